"""``notebook.lock``: where a package came from, what was emitted, and which cell each line came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from nb2pipe import __version__
from nb2pipe.pipeline.model import Pipeline

TOOL = "nb2pipe"
Line = tuple[int, int, int]  # (line of the file, cell, line of the cell), all counted from 1


class LockError(Exception):
    """The lock is not one that nb2pipe wrote, or not all of it."""


@dataclass(frozen=True)
class LockedFile:
    """A file as it was emitted. ``digest`` is the SHA-256 of its UTF-8 bytes."""

    digest: str
    text: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Lock:
    """What a lock tells a later conversion."""

    version: str
    notebook_path: str
    notebook_digest: str
    files: Mapping[str, LockedFile]

    @property
    def texts(self) -> dict[str, str]:
        """Path → text as it was emitted: the base that edits by hand are merged against."""
        return {path: file.text for path, file in self.files.items()}


def lock_text(pipeline: Pipeline, files: Mapping[str, str], lines: Mapping[str, Sequence[Line]]) -> str:
    """The lock of a package; ``lines`` are the line maps of the files that hold notebook code."""
    entries = [f"  {_json(path)}: {_json(_entry(text, lines.get(path, ())))}" for path, text in sorted(files.items())]
    head = {
        "tool": TOOL,
        "version": __version__,
        "notebook": {"path": pipeline.notebook_path, "digest": pipeline.notebook_digest},
    }
    rows = [
        *(f" {_json(key)}: {_json(value)}" for key, value in head.items()),
        ' "files": {\n' + ",\n".join(entries) + "\n }",
    ]
    return "{\n" + ",\n".join(rows) + "\n}\n"


def _entry(text: str, lines: Sequence[Line]) -> dict[str, object]:
    return {"digest": _digest(text), "lines": [list(line) for line in lines], "text": text}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _json(value: object) -> str:
    """One line a file, so that a diff of the lock tells which files changed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_lock(text: str) -> Lock:
    """The lock in ``text``.

    Raises:
        LockError: it is cut short, was changed, is something else, or names a place outside the package.
    """
    try:
        content = json.loads(text)
        if content["tool"] != TOOL:
            raise LockError("notebook.lock was not written by nb2pipe; move it away, or choose another --output")
        notebook = content["notebook"]
        files = {_inside(path): _locked(path, entry) for path, entry in content["files"].items()}
        return Lock(str(content["version"]), str(notebook["path"]), str(notebook["digest"]), files)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise LockError("notebook.lock is cut short or malformed; restore it from version control") from None


def _inside(path: str) -> str:
    """``path`` when it leads to a place below the package: a lock comes from outside, like any file."""
    parts = path.split("/")
    lexical = PurePosixPath(path).is_absolute() or PureWindowsPath(path).anchor or "\\" in path or "\0" in path
    if lexical or not {"", ".", ".."}.isdisjoint(parts):
        raise LockError(f"notebook.lock names a file outside the package: {path!a}; restore it from version control")
    return path


def _locked(path: str, entry: Any) -> LockedFile:
    text = str(entry["text"])
    if _digest(text) != entry["digest"]:
        raise LockError(f"notebook.lock was changed: its text of {path} is not the one that nb2pipe wrote; restore it")
    return LockedFile(entry["digest"], text, tuple((int(a), int(b), int(c)) for a, b, c in entry["lines"]))
