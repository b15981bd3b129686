"""Mapped files: writeable for the one who maps, never changed for others."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from nb2pipe.runtime import mapping


def written(tmp_path: Path, size: int) -> Path:
    path = tmp_path / "object"
    path.write_bytes(bytes(range(256)) * (size // 256))
    return path


@pytest.mark.parametrize("size", [0, 256, mapping.LARGE - 256, mapping.LARGE, 3 * mapping.LARGE])
def test_what_is_written_never_reaches_the_file(size: int, tmp_path: Path) -> None:
    path = written(tmp_path, size)
    before = path.read_bytes()
    view, other = mapping.mapped(path), mapping.mapped(path)
    assert bytes(view) == before
    assert isinstance(view.obj, mapping.Mapped if size >= mapping.LARGE else mapping.Copied)
    for position in range(0, size, 4096):
        view[position] = 255 - view[position]
    assert bytes(other) == path.read_bytes() == before


def test_memory_outlives_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, mapping.LARGE)
    array = mapping.array_on(mapping.mapped(path)[512:], np.dtype("u1"), (256,))
    path.unlink()
    gc.collect()
    assert array.tolist() == list(range(256))


def test_only_the_array_on_a_mapping_owns_it(tmp_path: Path) -> None:
    array = mapping.array_on(mapping.mapped(written(tmp_path, mapping.LARGE)), np.dtype("u1"), (256, 16))
    assert mapping.owns(array)
    assert mapping.owns(np.arange(3))
    assert array.flags.writeable
    for view in (array[:], array[1:], array.reshape(-1), array.view("i1"), array.T, np.arange(3)[:]):
        assert not mapping.owns(view)


def test_where_nothing_can_be_mapped_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no such device")

    path = written(tmp_path, mapping.LARGE)
    monkeypatch.setattr(mapping, "Mapped", refuse)
    view = mapping.mapped(path)
    assert isinstance(view.obj, mapping.Copied)
    assert not view.readonly
    assert bytes(view) == path.read_bytes()
