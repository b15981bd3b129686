"""What becomes of each file when a package is written again: three texts in, one decision out."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Action(StrEnum):
    """What writing does to a file."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    UPDATED = "updated"
    KEPT = "kept"
    MERGED = "merged"
    CONFLICT = "conflict"
    REMOVED = "removed"
    ABANDONED = "abandoned"


MESSAGES = {
    Action.KEPT: "your edits are kept",
    Action.MERGED: "your edits are merged with what is new",
    Action.CONFLICT: "your edits and what is new touch the same lines; look for <<<<<<< yours",
    Action.ABANDONED: "no longer part of the package, kept because you edited it",
}

#: What :func:`merge` leaves where both changed the same lines, whole: a text that merely quotes one marker has none.
UNRESOLVED = re.compile(r"^<<<<<<< yours\n.*?^=======\n.*?^>>>>>>> nb2pipe$", re.MULTILINE | re.DOTALL)


class MergeError(Exception):
    """No three-way merge could be made, and why."""


@dataclass(frozen=True)
class Change:
    """One file: the text on disk, the text to be there, and why. ``None`` stands for no file."""

    path: str
    action: Action
    before: str | None
    after: str | None

    @property
    def needs_attention(self) -> bool:
        """Whether a person should hear of it."""
        return self.action in MESSAGES

    @property
    def message(self) -> str:
        """What to tell them."""
        return MESSAGES.get(self.action, str(self.action))


def decide(path: str, base: str | None, yours: str | None, new: str | None) -> Change:
    """The change of one file.

    Args:
        base: the text as it was emitted last; ``None`` when it was not.
        yours: the text on disk; ``None`` when there is none.
        new: the text as it is emitted now; ``None`` when it no longer is.

    Raises:
        MergeError: ``yours`` holds an unresolved conflict and there is more to merge, or git cannot be run.
    """
    if new is None:
        edited = yours is not None and yours != base
        action = Action.ABANDONED if edited else Action.REMOVED
        return Change(path, action, yours, yours if edited else None)
    if yours is None:
        return Change(path, Action.CREATED, None, new)
    if yours == new:
        return Change(path, Action.UNCHANGED, yours, new)
    if yours == base:
        return Change(path, Action.UPDATED, yours, new)
    if UNRESOLVED.search(yours):
        if new != base:  # what is new could only be merged into a conflict, or be lost once the lock has moved on
            raise MergeError(f"{path} still holds a conflict of the last conversion; resolve it, then convert again")
        return Change(path, Action.CONFLICT, yours, yours)
    if new == base:
        return Change(path, Action.KEPT, yours, yours)
    merged, conflict = merge(base or "", yours, new)
    return Change(path, Action.CONFLICT if conflict else Action.MERGED, yours, merged)


def merge(base: str, yours: str, new: str) -> tuple[str, bool]:
    """``yours`` and ``new`` merged by ``git merge-file``, and whether they conflict."""
    with tempfile.TemporaryDirectory(prefix="nb2pipe-merge-") as folder:
        for name, text in (("yours", yours), ("base", base), ("new", new)):
            (Path(folder) / name).write_bytes(text.encode())
        labels = ["-L", "yours", "-L", "emitted last", "-L", "nb2pipe"]
        command = ["git", "merge-file", "-p", *labels, "yours", "base", "new"]
        try:
            done = subprocess.run(command, cwd=folder, env=_apart(), capture_output=True, check=False)
        except FileNotFoundError:
            raise MergeError("your edits can only be merged with git, which is not installed") from None
    if done.returncode < 0 or done.returncode > 127:
        raise MergeError(f"git merge-file failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode(), done.returncode > 0


def _apart() -> dict[str, str]:
    """An environment without a repository or config for git: another ``merge.conflictStyle`` marks in another way."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
