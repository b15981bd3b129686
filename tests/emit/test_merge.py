"""Three texts in, one decision out. Untouched cases first, then what edits by hand and new notebooks bring."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nb2pipe.emit.merge import Action, MergeError, decide, merge

BASE = "one\ntwo\nthree\nfour\nfive\n"
YOURS = BASE.replace("one", "ONE")
NEW = BASE.replace("five", "FIVE")
CONFLICT = "one\n<<<<<<< yours\nyours\n=======\nnew\n>>>>>>> nb2pipe\nthree\nfour\nfive\n"

CASES = [
    # base, yours, new, action, after
    (None, None, NEW, Action.CREATED, NEW),
    (BASE, BASE, BASE, Action.UNCHANGED, BASE),
    (BASE, NEW, NEW, Action.UNCHANGED, NEW),
    (BASE, BASE, NEW, Action.UPDATED, NEW),
    (BASE, YOURS, BASE, Action.KEPT, YOURS),
    (BASE, YOURS, NEW, Action.MERGED, YOURS.replace("five", "FIVE")),
    (BASE, BASE.replace("two", "yours"), BASE.replace("two", "new"), Action.CONFLICT, CONFLICT),
    (BASE, BASE, None, Action.REMOVED, None),
    (BASE, None, None, Action.REMOVED, None),
    (BASE, YOURS, None, Action.ABANDONED, YOURS),
    (BASE, None, BASE, Action.CREATED, BASE),
    (BASE, CONFLICT, BASE, Action.CONFLICT, CONFLICT),
]


@pytest.mark.parametrize(("base", "yours", "new", "action", "after"), CASES, ids=lambda case: "")
def test_decisions(base: str | None, yours: str | None, new: str | None, action: Action, after: str | None) -> None:
    change = decide("a.py", base, yours, new)
    assert (change.action, change.before, change.after) == (action, yours, after)


def test_a_file_of_the_users_where_one_is_new_is_a_conflict_that_keeps_both() -> None:
    change = decide("a.py", None, "mine\n", "emitted\n")
    assert change.action is Action.CONFLICT
    assert change.after == "<<<<<<< yours\nmine\n=======\nemitted\n>>>>>>> nb2pipe\n"


def test_nothing_is_merged_into_an_unresolved_conflict() -> None:
    with pytest.raises(MergeError, match="resolve it, then convert again"):
        decide("a.py", BASE, CONFLICT, NEW)


def test_a_text_that_only_speaks_of_marks_is_no_conflict() -> None:
    assert decide("a.md", BASE, f"look for\n<<<<<<< yours\n{BASE}", BASE).action is Action.KEPT


@pytest.mark.parametrize("action", [Action.KEPT, Action.MERGED, Action.CONFLICT, Action.ABANDONED])
def test_people_hear_of_what_became_of_their_edits(action: Action) -> None:
    (change,) = {decide("a", *case[:3]).action: decide("a", *case[:3]) for case in CASES if case[3] is action}.values()
    assert change.needs_attention and change.message


def test_line_ends_at_the_end_of_a_file_survive() -> None:
    assert merge("a\nb\nc", "A\nb\nc", "a\nb\nc") == ("A\nb\nc", False)


def test_the_users_git_config_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also from inside a repository, and from a hook of git's, which sets ``GIT_DIR``."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "config", "merge.conflictStyle", "diff3"], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    monkeypatch.chdir(tmp_path)
    assert merge(BASE, BASE.replace("two", "yours"), BASE.replace("two", "new")) == (CONFLICT, True)


def test_without_git_the_message_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MergeError, match="not installed"):
        merge(BASE, YOURS, NEW)
