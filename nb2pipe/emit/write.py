"""Writing a package: everything is decided before anything is touched, and it is all or nothing.

The new package is laid out whole in a folder beside the target, synced, and then takes its place by two renames. A kill
between the two leaves the old package under ``.<name>.nb2pipe-old``, which the next conversion puts back.
"""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nb2pipe.emit.lock import LockError, read_lock
from nb2pipe.emit.merge import Action, Change, MergeError, decide

LOCK = "notebook.lock"


class WriteError(Exception):
    """The package cannot be written there; one message for people."""


@dataclass(frozen=True)
class WritePlan:
    """What writing would change, file by file."""

    target: Path
    changes: tuple[Change, ...]

    @property
    def is_up_to_date(self) -> bool:
        """Whether the package on disk is what the notebook makes, edits by hand aside."""
        settled = {Action.UNCHANGED, Action.KEPT, Action.ABANDONED}
        return all(change.action in settled for change in self.changes)

    def diff_text(self) -> str:
        """A unified diff of all files."""
        parts: list[str] = []
        for change in self.changes:
            if change.before != change.after and change.path != LOCK:
                before, after = (
                    text.splitlines(keepends=True) if text else [] for text in (change.before, change.after)
                )
                parts += difflib.unified_diff(before, after, f"a/{change.path}", f"b/{change.path}")
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in parts)


def plan_write(files: Mapping[str, str], target: Path) -> WritePlan:
    """Decides what becomes of each file; reads what is on disk and writes nothing.

    Raises:
        WriteError: the target holds something that nb2pipe did not write, or cannot be read.
    """
    try:
        _put_back(target)
        base = _emitted_last(target)
        paths = sorted(files.keys() | base.keys())
        changes = []
        for path in paths:
            yours = _on_disk(target, path)
            if path == LOCK:
                action = (
                    Action.CREATED if yours is None else Action.UNCHANGED if yours == files[path] else Action.UPDATED
                )
                changes.append(Change(path, action, yours, files[path]))
            else:
                changes.append(decide(path, base.get(path), yours, files.get(path)))
    except (LockError, MergeError) as error:
        raise WriteError(f"{target}: {error}") from None
    except OSError as error:
        raise WriteError(f"{target}: cannot be read: {error.strerror or error}") from None
    return WritePlan(target, tuple(changes))


def _emitted_last(target: Path) -> Mapping[str, str]:
    if not target.exists() and not target.is_symlink():
        return {}
    if target.is_symlink() or not target.is_dir():
        raise WriteError(f"{target}: is not a folder; choose another --output or --name")
    lock = target / LOCK
    if lock.is_file():
        return read_lock(_text(lock)).texts
    if any(target.iterdir()):
        raise WriteError(f"{target}: holds files that nb2pipe did not write; choose another --output or --name")
    return {}


def _on_disk(target: Path, path: str) -> str | None:
    place = target / path
    for part in (place, *place.parents):
        if part == target:
            break
        if part.is_symlink():
            raise WriteError(f"{part}: is a link; nb2pipe does not write through links")
    return _text(place) if place.is_file() else None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise WriteError(f"{path}: not UTF-8 text; move it away or restore it") from None


def write(plan: WritePlan) -> None:
    """Makes the package on disk what the plan says, all of it or nothing.

    Raises:
        WriteError: with what the system said; the target is then as it was.
    """
    if all(change.before == change.after for change in plan.changes):
        return
    target = plan.target
    made: list[Path] = []
    fresh: Path | None = None
    try:
        for folder in reversed([p for p in target.parents if not p.exists()]):
            folder.mkdir()
            made.append(folder)
        fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.nb2pipe-new-", dir=target.parent))
        if target.exists():
            shutil.copytree(target, fresh, symlinks=True, dirs_exist_ok=True, copy_function=_linked)
        for change in plan.changes:
            _apply(fresh, change)
        fresh.chmod(target.stat().st_mode if target.exists() else 0o777 & ~_umask())
        _swap(fresh, target)
    except OSError as error:
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)
        for folder in reversed(made):
            folder.rmdir()
        raise WriteError(f"{target}: cannot be written: {error.strerror or error}") from None


def _apply(folder: Path, change: Change) -> None:
    place = folder / change.path
    if change.after is None:
        place.unlink(missing_ok=True)
        return
    if change.before == change.after:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)  # it may be the very file of the old package, by another name
    with place.open("w", encoding="utf-8", newline="\n") as file:
        file.write(change.after)
        file.flush()
        os.fsync(file.fileno())


def _linked(source: str, place: str) -> None:
    """A second name costs nothing, whatever lies in the package's folder."""
    try:
        os.link(source, place, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, place, follow_symlinks=False)


def _swap(fresh: Path, target: Path) -> None:
    old = _old(target)
    if target.exists():
        target.rename(old)
        try:
            fresh.rename(target)
        except OSError:
            old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)
    else:
        fresh.rename(target)


def _old(target: Path) -> Path:
    return target.parent / f".{target.name}.nb2pipe-old"


def _put_back(target: Path) -> None:
    """Undoes a conversion that was killed between its two renames."""
    if _old(target).is_dir() and not target.exists():
        _old(target).rename(target)


def _umask() -> int:
    current = os.umask(0o22)
    os.umask(current)
    return current
