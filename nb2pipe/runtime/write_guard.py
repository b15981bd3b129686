"""Keeps a stage from writing through the workspace's links into the user's files.

Python announces each file that it opens (``sys.addaudithook``). When a stage opens a linked file for writing, the
link is replaced with a copy first, so that the write lands in the workspace. Code that opens files
without Python (some C++ libraries) is not heard; :func:`changed` finds what it did.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nb2pipe.runtime import audit

_EVENTS = frozenset({"open", "sqlite3.connect", "os.truncate", "os.utime", "os.chmod"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_TRUNC
_guarded: Path | None = None


def guard(workspace: Path) -> None:
    """From now on, writes to links in ``workspace`` land in copies."""
    global _guarded
    if _guarded is None:
        audit.listen(_EVENTS, _heard)
    _guarded = workspace.resolve()


def unguard() -> None:
    """No workspace is guarded any more."""
    global _guarded
    audit.unlisten(_heard)
    _guarded = None


def changed(before: Mapping[Path, tuple[int, int]]) -> list[Path]:
    """The files of ``before`` (path -> size and time of change) that are no longer as they were."""
    return [path for path, state in before.items() if _state(path) != state]


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if _guarded is None:
        return
    path = arguments[0]
    flags = arguments[2] if event == "open" else os.O_RDWR
    if isinstance(path, (str, bytes, os.PathLike)) and isinstance(flags, int) and flags & _WRITING:
        _part_from_original(Path(os.fsdecode(path)), truncates=event == "open" and bool(flags & os.O_TRUNC))


def _part_from_original(path: Path, *, truncates: bool) -> None:
    assert _guarded is not None
    try:
        inside = (path.parent.resolve() / path.name).is_relative_to(_guarded)
        if not (inside and path.is_symlink()) or path.resolve().is_relative_to(_guarded):
            return
        original = path.resolve()
        temporary = path.with_name(f".{path.name[:100]}.{os.getpid()}.tmp")
        if truncates:
            temporary.touch()
        else:
            shutil.copyfile(original, temporary)
        temporary.replace(path)
    except OSError:
        return
