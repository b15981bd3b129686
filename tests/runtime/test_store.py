"""The store: bytes by digest, whole or not at all, never handed out unchecked."""

from __future__ import annotations

from pathlib import Path

import pytest

from nb2pipe.runtime.artifacts import load_artifacts, store_outputs
from nb2pipe.runtime.definition import Stage
from nb2pipe.runtime.errors import StorageError
from nb2pipe.runtime.store import Store


class Trap:
    """Says so when it is unpickled."""

    sprung: list[int] = []  # noqa: RUF012

    def __reduce__(self) -> tuple[object, ...]:
        return Trap.spring, ()

    @staticmethod
    def spring() -> None:
        Trap.sprung.append(1)


def make() -> None:
    """A stage."""


def test_what_was_put_comes_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    digest, size = store.put([b"ab", memoryview(b"c")])
    assert (store.get(digest), size) == (b"abc", 3)


def test_the_same_bytes_are_written_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    digest, _ = store.put([b"abc"])
    before = store.path(digest).stat().st_mtime_ns
    store.put([b"a", b"bc"])
    assert store.path(digest).stat().st_mtime_ns == before


def test_no_temporary_file_stays(tmp_path: Path) -> None:
    Store(tmp_path).put([b"abc"])
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_half_an_object_is_written_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    digest, _ = store.put([b"abc"])
    store.path(digest).write_bytes(b"a")
    store.put([b"abc"])
    assert store.get(digest) == b"abc"


def test_a_tampered_object_is_never_unpickled(tmp_path: Path) -> None:
    store = Store(tmp_path)
    record = store_outputs(store, Stage(make, kind="custom", outputs=("x",)), {"x": {"a": 1}})[0]
    trap = store_outputs(store, Stage(make, kind="custom", outputs=("x",)), {"x": Trap()})[0]
    store.path(record.digest).write_bytes(store.path(trap.digest).read_bytes())
    with pytest.raises(StorageError, match=r"cannot load `make\.x`: .* is not what was stored there"):
        load_artifacts(store, [record])
    assert not Trap.sprung


def test_a_missing_object_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="the store has no object 0000"):
        Store(tmp_path).get("0" * 64)


@pytest.mark.parametrize("digest", ["../../etc/passwd", "ab", "A" * 64])
def test_a_digest_is_never_a_path(tmp_path: Path, digest: str) -> None:
    with pytest.raises(StorageError, match="is not a digest"):
        Store(tmp_path).get(digest)


def test_groups_that_overlap_are_one_graph(tmp_path: Path) -> None:
    inner = [1]
    stage = Stage(make, kind="custom", outputs=("a", "b", "c", "d"), shared=(("a", "b"), ("b", "c")))
    store = Store(tmp_path)
    records = store_outputs(store, stage, {"a": inner, "b": {"inner": inner}, "c": (inner,), "d": [1]})
    assert [record.graph for record in records] == [("make.a", "make.b", "make.c")] * 3 + [()]
    values = load_artifacts(store, records)
    assert values["make.a"] is values["make.b"]["inner"] is values["make.c"][0]


def test_a_group_says_which_value_cannot_be_stored(tmp_path: Path) -> None:
    stage = Stage(make, kind="custom", outputs=("a", "b"), shared=(("a", "b"),))
    with pytest.raises(StorageError, match=r"cannot store `make\.b` \(generator\): cannot pickle 'generator' object"):
        store_outputs(Store(tmp_path), stage, {"a": 1, "b": (n for n in range(3))})
