"""The working directory of a run: a mirror of the data folder, so that relative paths work and nothing is spoilt.

Folders are real. Files up to ``COPIED_BYTES`` are copied: they are what notebooks append to or overwrite. Larger
ones are linked, because copying data for each run costs minutes; :mod:`nb2pipe.runtime.write_guard` puts a copy
in the link's place before Python code opens it for writing, and fails the stage if the original changed
all the same.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nb2pipe.runtime.config import DATA_ROOT, Config
from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.files import write_atomically
from nb2pipe.runtime.filestate import Digests
from nb2pipe.runtime.package import Package
from nb2pipe.runtime.record import DataVersion, FileChange
from nb2pipe.runtime.store import Store

MOST_FILES = 20_000
COPIED_BYTES = 1 << 20
_SKIPPED = ("__pycache__", "node_modules")
_NOISE = frozenset({"__pycache__", ".ipynb_checkpoints"})


@dataclass(frozen=True)
class Source:
    """Where data comes from: a folder to mirror, or one file, or nothing."""

    folder: Path | None
    file: Path | None
    said_by: str  # "--data" or "data.root", for messages


def make_workspace(
    run_dir: Path, data_files: Iterable[str], package: Package, config: Config, data: Path | None, digests: Digests
) -> tuple[Path, tuple[DataVersion, ...]]:
    """Make (or complete) the run's working directory; gives it and the versions of the data files."""
    source = _source(package, config, data)
    inputs = _inputs(data_files, config)
    folder = working_directory(run_dir, inputs.values())
    folder.mkdir(parents=True, exist_ok=True)
    if source.folder is not None:
        skipped = {
            run_dir.parent.resolve(),
            package.folder.resolve(),
            package.module_folder.resolve(),
            run_dir.resolve(),
        }
        for path, relative in _walk(source.folder, skipped):
            _bring(path, folder / relative)
    versions = []
    for key, name in inputs.items():
        found = _found(key, name, folder, source, only=len(inputs) == 1, config=config)
        versions.append(_version(key, name, found, digests))
    return folder, tuple(versions)


def working_directory(run_dir: Path, paths: Iterable[str]) -> Path:
    """The stages' working directory: ``workspace``, or below it as deep as the data files climb with ``..``."""
    folder = run_dir / "workspace"
    for level in range(max(map(_climbs, paths), default=0)):
        folder /= f"level{level + 1}"
    return folder


def bring_files(source: Path, target: Path) -> None:
    """Copy what stages of an earlier run wrote: its real files that the new workspace lacks or has otherwise."""
    for folder, names, files in os.walk(source):
        names[:] = [name for name in names if not (Path(folder) / name).is_symlink()]
        for name in files:
            path = Path(folder) / name
            copy = target / path.relative_to(source)
            if path.is_file() and not path.is_symlink() and not copy.is_symlink():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, copy)


def _source(package: Package, config: Config, data: Path | None) -> Source:
    if data is not None:
        if data.is_dir():
            return Source(data.resolve(), None, "--data")
        if data.is_file():
            return Source(None, data.resolve(), "--data")
        raise RunError(f"--data {data}: there is no such file or folder")
    if config.data_root is None:
        return Source(None, None, DATA_ROOT)
    root = (package.folder / config.data_root).resolve()
    return Source(root if root.is_dir() else None, None, DATA_ROOT)


def _inputs(data_files: Iterable[str], config: Config) -> dict[str, str]:
    """Config key -> relative path of each data file. Absolute paths and addresses are left alone."""
    found = {}
    for key in data_files:
        value = config.values.get(key)
        if value is not None and isinstance(value.value, str) and _is_relative(value.value):
            found[key] = value.value
    return found


def _is_relative(path: str) -> bool:
    return bool(path) and "://" not in path and not path.startswith("~") and not Path(path).is_absolute()


def _climbs(path: str) -> int:
    """How many folders up ``path`` leads at most."""
    depth = deepest = 0
    for part in PurePosixPath(path).parts:
        depth += -1 if part == ".." else 1
        deepest = min(deepest, depth)
    return -deepest


def _walk(root: Path, skipped: set[Path]) -> Iterator[tuple[Path, Path]]:
    """Files below ``root`` and where they belong; each folder once, whatever links lead to it."""
    count = 0
    seen: set[Path] = set()
    open_ = [(root, Path())]
    while open_:
        folder, relative = open_.pop()
        if folder.resolve() in seen or (relative.parts and folder.resolve() in skipped):
            continue
        seen.add(folder.resolve())
        for entry in sorted(_entries(folder), key=lambda entry: entry.name):
            path = Path(entry.path)
            if entry.name.startswith(".") or entry.name in _SKIPPED or entry.name.endswith(".ipynb"):
                continue
            if entry.is_dir():
                if not (path / "pyvenv.cfg").exists():
                    open_.append((path, relative / entry.name))
            elif entry.is_file():
                count += 1
                if count > MOST_FILES:
                    raise RunError(
                        f"{root} holds more than {MOST_FILES} files, too many to mirror for a run: "
                        f"point {DATA_ROOT} or --data at the folder with the data only"
                    )
                yield path, relative / entry.name


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise RunError(f"{folder} cannot be read: {error.strerror}") from error


def _bring(path: Path, target: Path) -> None:
    """Copy a small file, link a large one; what is there already (a run that goes on) stays."""
    if os.path.lexists(target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    real = path.resolve()
    try:
        if real.stat().st_size <= COPIED_BYTES:
            shutil.copyfile(real, target)
            shutil.copystat(real, target)
            target.chmod(target.stat().st_mode | 0o200)
        else:
            target.symlink_to(real)
    except OSError as error:
        raise RunError(f"{path} cannot be brought into the run's folder: {error.strerror}") from error


def _found(key: str, path: str, folder: Path, source: Source, *, only: bool, config: Config) -> Path:
    """The data file in the workspace; brought there first when it lies under a shorter name in the source."""
    target = Path(os.path.normpath(folder / path))
    if os.path.lexists(target) and target.exists():
        return target
    looked: list[Path] = []
    if source.file is not None:
        if not only:
            raise RunError("--data names a file, but this pipeline reads several: name the folder they are in")
        looked.append(source.file)
    elif source.folder is not None:
        parts = PurePosixPath(path).parts
        looked.append(Path(os.path.normpath(source.folder / path)))
        plain = [part for part in parts if part not in ("..", ".")]
        looked += [source.folder.joinpath(*plain[start:]) for start in range(len(plain))]
    for candidate in dict.fromkeys(looked):
        if candidate.is_dir():
            for inner, relative in _walk(candidate, set()):
                _bring(inner, target / relative)
            return target
        if candidate.is_file():
            _bring(candidate, target)
            return target
    places = ", ".join(str(candidate) for candidate in dict.fromkeys(looked)) or f"{DATA_ROOT} ({config.data_root})"
    raise RunError(
        f"{config.values[key].origin}: {key}: there is no data file {path} (looked for {places}); "
        "name the folder that holds it with --data"
    )


def _version(key: str, path: str, found: Path, digests: Digests) -> DataVersion:
    if found.is_dir():
        size = sum(inner.stat().st_size for inner in found.rglob("*") if inner.is_file())
        return DataVersion(key, path, digests.of_tree(found) or "", size)
    return DataVersion(key, path, digests.of(found) or "", found.stat().st_size)


def scan(folder: Path) -> dict[str, os.stat_result]:
    """The files below a folder, links as they are: path relative to it -> state."""
    found = {}
    open_ = [str(folder)]
    while open_:
        with contextlib.suppress(FileNotFoundError), os.scandir(open_.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _NOISE:
                        open_.append(entry.path)
                elif not entry.name.endswith(".tmp"):
                    found[os.path.relpath(entry.path, folder)] = entry.stat(follow_symlinks=False)
    return found


def originals(folder: Path, files: Mapping[str, os.stat_result]) -> Mapping[Path, tuple[int, int]]:
    """The files that links of the workspace lead to, with size and time of change."""
    found = {}
    for name, state in files.items():
        path = folder / name
        if stat.S_ISLNK(state.st_mode) and path.exists():
            there = path.stat()
            found[path.resolve()] = (there.st_size, there.st_mtime_ns)
    return found


def changes(folder: Path, before: Mapping[str, os.stat_result]) -> dict[str, os.stat_result | None]:
    """What a stage has done to the files of the workspace; ``None`` for those that it removed."""
    after = scan(folder)
    found: dict[str, os.stat_result | None] = {name: None for name in before if name not in after}
    found.update({name: state for name, state in after.items() if name not in before or _differ(before[name], state)})
    return found


def kept(store: Store, folder: Path, changed: Mapping[str, os.stat_result | None]) -> tuple[FileChange, ...]:
    """The changed files, with their contents in the store."""
    found = []
    for name, state in sorted(changed.items()):
        path = folder / name
        if state is None:
            found.append(FileChange(name, None))
        elif path.is_file():
            found.append(FileChange(name, store.put_file(path), stat.S_IMODE(path.stat().st_mode)))
    return tuple(found)


def replay(store: Store, folder: Path, changed: Iterable[FileChange]) -> None:
    """Do to the workspace what a stage did whose result is used again."""
    for change in changed:
        path = folder / change.path
        if change.digest is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        content = store.get(change.digest)
        write_atomically(path, [content], durable=False)
        path.chmod(change.mode)


def _differ(old: os.stat_result, new: os.stat_result) -> bool:
    return (old.st_ino, old.st_size, old.st_mtime_ns, old.st_mode) != (
        new.st_ino,
        new.st_size,
        new.st_mtime_ns,
        new.st_mode,
    )
