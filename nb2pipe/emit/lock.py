"""``notebook.lock``: where a package came from, what was emitted, and which cell each line came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nb2pipe import __version__
from nb2pipe.pipeline.model import Pipeline


class LockError(Exception):
    """The lock is not one that nb2pipe wrote, or not all of it."""


@dataclass(frozen=True)
class Lock:
    """What a lock tells a later conversion: the text of every file as it was emitted."""

    notebook_digest: str
    texts: Mapping[str, str]


def lock_text(pipeline: Pipeline, files: Mapping[str, str], lines: Mapping[str, Sequence[tuple[int, int, int]]]) -> str:
    """The lock of a package. ``lines`` are triples (line of the file, cell, line of the cell), all counted from 1."""
    entries = [f"  {_json(path)}: {_json(_entry(text, lines.get(path, ())))}" for path, text in sorted(files.items())]
    head = {
        "tool": "nb2pipe",
        "version": __version__,
        "notebook": {"path": pipeline.notebook_path, "digest": pipeline.notebook_digest},
    }
    rows = [
        *(f" {_json(key)}: {_json(value)}" for key, value in head.items()),
        ' "files": {\n' + ",\n".join(entries) + "\n }",
    ]
    return "{\n" + ",\n".join(rows) + "\n}\n"


def _entry(text: str, lines: Sequence[tuple[int, int, int]]) -> dict[str, object]:
    return {"digest": hashlib.sha256(text.encode()).hexdigest(), "lines": [list(line) for line in lines], "text": text}


def _json(value: object) -> str:
    """One line a file, so that a diff of the lock tells which files changed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_lock(text: str) -> Lock:
    """The lock in ``text``; raises :class:`LockError` when it is cut short or something else."""
    try:
        content = json.loads(text)
        if content["tool"] != "nb2pipe":
            raise LockError("notebook.lock was not written by nb2pipe")
        texts = {str(path): str(entry["text"]) for path, entry in content["files"].items()}
        return Lock(str(content["notebook"]["digest"]), texts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise LockError("notebook.lock is cut short or malformed; restore it from version control") from None
