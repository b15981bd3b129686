"""The working directory: what is mirrored, where data files are found, and that originals stay as they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nb2pipe.runtime import Pipeline, RunError, Stage, workspace, write_guard
from nb2pipe.runtime.config import Config
from nb2pipe.runtime.filestate import Digests
from nb2pipe.runtime.package import Package
from nb2pipe.runtime.record import ConfigValue, DataVersion
from nb2pipe.runtime.workspace import COPIED_BYTES, make_workspace


def load(*, path: str) -> None:
    """A stage."""


@dataclass
class Made:
    """A workspace."""

    folder: Path
    data: tuple[DataVersion, ...]

    @property
    def files(self) -> set[str]:
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}


Makes = Callable[..., Made]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The notebook's folder."""
    folder = tmp_path / "notebooks"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "a.csv").write_text("x\n1\n")
    return folder


@pytest.fixture
def make(root: Path, tmp_path: Path) -> Makes:
    """Makes a workspace for a pipeline that reads ``paths``."""

    def make_(*paths: str, data: Path | None = None) -> Made:
        keys = [f"load.path{number}" for number in range(len(paths))]
        pipeline = Pipeline("demo", (Stage(load, kind="load_data"),), data_files=tuple(keys))
        values = {key: ConfigValue(path, "config/base.yaml:4") for key, path in zip(keys, paths, strict=True)}
        config = Config(values, {}, data_root="../../notebooks")
        package_folder = tmp_path / "generated" / "demo"
        package = Package("demo", package_folder / "demo", package_folder, package_folder / "config", package_folder)
        output = tmp_path / "notebooks" / "runs"
        return Made(*make_workspace(output / "r", pipeline.data_files, package, config, data, Digests()))

    return make_


def test_data_is_found_where_the_notebook_finds_it(make: Makes) -> None:
    made = make("data/a.csv")
    assert made.files == {"data/a.csv"}
    assert made.data[0].size == 4
    assert made.data[0].path == "data/a.csv"


def test_what_is_no_data_stays_outside(make: Makes, root: Path) -> None:
    for name in (".git/x", "__pycache__/x", "book.ipynb", "runs/old/x", "venv/pyvenv.cfg", ".hidden", "node_modules/x"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    assert make().files == {"data/a.csv"}


def test_a_folder_that_holds_itself_is_mirrored_once(make: Makes, root: Path) -> None:
    (root / "loop").symlink_to(root)
    assert make().files == {"data/a.csv"}


@pytest.mark.parametrize("place", ["data/a.csv", "a.csv"])
def test_data_may_name_another_folder(make: Makes, tmp_path: Path, place: str) -> None:
    other = tmp_path / "other"
    (other / place).parent.mkdir(parents=True)
    (other / place).write_text("mine")
    made = make("data/a.csv", data=other)
    assert (made.folder / "data" / "a.csv").read_text() == "mine"


def test_data_may_name_the_only_file(make: Makes, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("mine")
    made = make("data/a.csv", data=tmp_path / "mine.csv")
    assert (made.folder / "data" / "a.csv").read_text() == "mine"


def test_data_may_not_name_a_file_of_several(make: Makes, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("mine")
    with pytest.raises(RunError, match="--data names a file, but this pipeline reads several"):
        make("data/a.csv", "data/b.csv", data=tmp_path / "mine.csv")


def test_data_that_is_not_there(make: Makes, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no such file or folder"):
        make("data/a.csv", data=tmp_path / "nowhere")


def test_a_missing_file_is_named_with_the_mend(make: Makes, root: Path) -> None:
    with pytest.raises(RunError) as caught:
        make("data/b.csv")
    assert str(caught.value) == (
        "config/base.yaml:4: load.path0: there is no data file data/b.csv "
        f"(looked for {root}/data/b.csv, {root}/b.csv); name the folder that holds it with --data"
    )


@pytest.mark.parametrize("path", ["/etc/hosts", "https://example.org/a.csv", "~/a.csv", "s3://bucket/a.csv"])
def test_what_is_not_relative_is_left_alone(make: Makes, path: str) -> None:
    assert make(path).data == ()


def test_a_path_may_climb(make: Makes, root: Path) -> None:
    (root.parent / "shared").mkdir()
    (root.parent / "shared" / "b.csv").write_text("shared")
    made = make("../shared/b.csv", "data/a.csv")
    assert (made.folder / "../shared/b.csv").read_text() == "shared"
    assert (made.folder / "data/a.csv").is_file()
    assert made.folder.is_relative_to(root / "runs" / "r" / "workspace")


def test_a_data_folder_is_a_version_too(make: Makes, root: Path) -> None:
    first = make("data").data[0]
    (root / "data" / "a.csv").write_text("x\n2\n")
    assert first.size == 4
    assert len(first.digest) == 64


def test_too_many_files(make: Makes, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "MOST_FILES", 2)
    for number in range(3):
        (root / f"{number}.txt").touch()
    with pytest.raises(RunError, match="holds more than 2 files"):
        make()


@pytest.fixture
def large(make: Makes, root: Path) -> Iterator[tuple[Path, Path]]:
    """A file that is linked, and its original; the workspace is guarded."""
    original = root / "large.bin"
    original.write_bytes(b"x" * (COPIED_BYTES + 1))
    made = make()
    write_guard.guard(made.folder)
    yield made.folder / "large.bin", original
    write_guard.unguard()


def test_large_files_are_linked(large: tuple[Path, Path]) -> None:
    assert large[0].is_symlink()


@pytest.mark.parametrize("mode", ["w", "a", "r+"])
def test_writing_to_a_link_writes_to_a_copy(large: tuple[Path, Path], mode: str) -> None:
    link, original = large
    with link.open(mode) as file:
        file.write("new")
    assert original.read_bytes() == b"x" * (COPIED_BYTES + 1)
    assert b"new" in link.read_bytes()
    assert (link.stat().st_size > 3) is (mode != "w")


def test_reading_a_link_keeps_it(large: tuple[Path, Path]) -> None:
    large[0].read_bytes()
    assert large[0].is_symlink()


def test_a_database_is_copied_before_it_is_opened(large: tuple[Path, Path]) -> None:
    link, original = large
    original.write_bytes(b"")
    with sqlite3.connect(link) as database:
        database.execute("create table t (x)")
    database.close()
    assert original.read_bytes() == b""
    assert not link.is_symlink()


def test_a_change_behind_the_guard_is_seen(large: tuple[Path, Path]) -> None:
    link, original = large
    before = workspace.originals(link.parent, workspace.scan(link.parent))
    original.write_bytes(b"y")
    assert write_guard.changed(before) == [original]
