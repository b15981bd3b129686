"""Writing a package: everything is decided before anything is touched, and it is all or nothing.

The new package is laid out whole in a folder beside the target; what nb2pipe does not touch is there by a second name
(a hard link). Then the two folders change places in one system call, so that a kill at any instant leaves the old
package or the new one. Where the system cannot exchange folders (not Linux, or an old file system), two renames do it:
a kill between them leaves the old package under ``.<name>.nb2pipe-old``, where the next conversion finds it. What a
kill leaves beside the target is removed by the next conversion.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nb2pipe.emit.lock import LockError, read_lock
from nb2pipe.emit.merge import Action, Change, MergeError, decide

LOCK = "notebook.lock"
ELSEWHERE = "choose another --output or --name"


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
        """A unified diff of all files but the lock, as ``patch`` and ``git apply`` read it."""
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for change in self.changes
            if change.before != change.after and change.path != LOCK
            for line in _diff(change)
        )


def _diff(change: Change) -> Iterator[str]:
    before = "/dev/null" if change.before is None else f"a/{change.path}"
    after = "/dev/null" if change.after is None else f"b/{change.path}"
    return difflib.unified_diff(_lines(change.before), _lines(change.after), before, after)


def _lines(text: str | None) -> list[str]:
    """Lines as files have them: ``str.splitlines`` would end one at a form feed, too."""
    *whole, rest = (text or "").split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])


def plan_write(files: Mapping[str, str], target: Path) -> WritePlan:
    """Decides what becomes of each file; reads what is on disk and writes nothing.

    Raises:
        WriteError: the target holds something that nb2pipe did not write, or cannot be read or merged.
    """
    try:
        standing = target if os.path.lexists(target) or not _old(target).is_dir() else _old(target)
        base = _emitted_last(standing)
        changes = tuple(
            _change(path, base.get(path), _on_disk(standing, path), files.get(path))
            for path in sorted(files.keys() | base.keys())
        )
    except (LockError, MergeError) as error:
        raise WriteError(f"{target}: {error}") from None
    except OSError as error:
        raise WriteError(f"{target}: cannot be read: {error.strerror or error}") from None
    return WritePlan(target, changes)


def _change(path: str, base: str | None, yours: str | None, new: str | None) -> Change:
    """The lock is nb2pipe's own: it is never merged."""
    return decide(path, yours if path == LOCK else base, yours, new)


def _emitted_last(target: Path) -> Mapping[str, str]:
    if not target.exists() and not target.is_symlink():
        return {}
    if target.is_symlink() or not target.is_dir():
        raise WriteError(f"{target}: is not a folder; {ELSEWHERE}")
    lock = target / LOCK
    if lock.is_file():
        return read_lock(_text(lock)).texts
    if any(target.iterdir()):
        raise WriteError(f"{target}: holds files that nb2pipe did not write; {ELSEWHERE}")
    return {}


def _on_disk(folder: Path, path: str) -> str | None:
    place = folder
    for part in PurePosixPath(path).parts:
        place /= part
        if place.is_symlink():
            raise WriteError(f"{place}: is a link; nb2pipe does not write through links, so put a file in its place")
    if place.is_file():
        return _text(place)
    if place.exists():
        raise WriteError(f"{place}: is not a file, though the package has a file of that name; move it away")
    return None


def _text(path: Path) -> str:
    """The text of a file; line ends that git or an editor made Windows' own are no edit."""
    try:
        return path.read_bytes().decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise WriteError(f"{path}: not UTF-8 text; move it away or restore it") from None


def write(plan: WritePlan) -> None:
    """Makes the package on disk what the plan says, all of it or nothing.

    Raises:
        WriteError: with what the system said; the target is then as it was.
    """
    target = plan.target
    fresh = _beside(target, f"new-{secrets.token_hex(4)}")
    made: list[Path] = []
    try:
        _recover(target)
        if all(change.before == change.after for change in plan.changes):
            return
        for folder in reversed([parent for parent in target.parents if not parent.exists()]):
            folder.mkdir()
            made.append(folder)
        fresh.mkdir()
        if target.exists():
            shutil.copytree(target, fresh, symlinks=True, dirs_exist_ok=True, copy_function=_linked)
        for change in plan.changes:
            if change.before != change.after:
                _apply(fresh, change)
        _swap(fresh, target)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise WriteError(f"{target}: cannot be written: {reason}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # the old package, when all went well
        for folder in reversed(made):
            with contextlib.suppress(OSError):  # the target is in it
                folder.rmdir()


def _apply(folder: Path, change: Change) -> None:
    place = folder / change.path
    if _on_disk(folder, change.path) != change.before:
        raise WriteError(f"{change.path}: was changed while the notebook was converted; convert it again")
    mode = stat.S_IMODE(place.stat().st_mode) if change.before is not None else None
    place.unlink(missing_ok=True)  # it is the very file of the old package, by another name
    if change.after is None:
        _remove_empty(place.parent, folder)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("w", encoding="utf-8", newline="\n") as file:
        file.write(change.after)
        file.flush()
        os.fsync(file.fileno())
    if mode is not None:
        place.chmod(mode)


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _linked(source: str, place: str) -> None:
    """A second name costs nothing, whatever lies in the package's folder."""
    try:
        os.link(source, place, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, place, follow_symlinks=False)


def _swap(fresh: Path, target: Path) -> None:
    if not target.exists():
        fresh.rename(target)
    elif not _exchanged(fresh, target):
        old = _old(target)
        target.rename(old)
        try:
            fresh.rename(target)
        except BaseException:
            old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the system made the two folders change places, at once; only Linux can (``RENAME_EXCHANGE``)."""
    import ctypes

    try:
        renameat2 = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    here, exchange = -100, 2
    return bool(renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def _beside(target: Path, what: str) -> Path:
    return target.parent / f".{target.name}.nb2pipe-{what}"


def _old(target: Path) -> Path:
    return _beside(target, "old")


def _recover(target: Path) -> None:
    """Puts the old package back after a kill between two renames, and removes what other kills left."""
    old = _old(target)
    if old.is_dir() and not os.path.lexists(target):
        old.rename(target)
    if target.parent.is_dir():
        for place in target.parent.iterdir():
            left = place == old or place.name.startswith(_beside(target, "new-").name)
            if left and place.is_dir() and not place.is_symlink():
                shutil.rmtree(place, ignore_errors=True)
