"""A lock says what was emitted; one that nb2pipe did not write, or not like that, is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nb2pipe import __version__
from nb2pipe.emit.lock import LockError, lock_text, read_lock
from nb2pipe.pipeline.model import Pipeline

FILES = {"demo/stages/train.py": "é = 1\n", "README.md": "# Demo\n"}
LINES = {"demo/stages/train.py": ((1, 6, 2),)}


@pytest.fixture
def text(pipeline: Pipeline) -> str:
    return lock_text(pipeline, FILES, LINES)


def changed(text: str, path: str, value: Any) -> str:
    """The lock with a value of its own at a path of keys."""
    content = json.loads(text)
    node = content
    *keys, last = path.split(" ")
    for key in keys:
        node = node[key]
    node[last] = value
    return json.dumps(content)


def test_gives_back_the_texts(text: str) -> None:
    assert read_lock(text).texts == FILES


def test_gives_back_the_lines(text: str) -> None:
    assert read_lock(text).files["demo/stages/train.py"].lines == ((1, 6, 2),)


def test_says_where_the_package_came_from(text: str, pipeline: Pipeline) -> None:
    lock = read_lock(text)
    found = (lock.version, lock.notebook_path, lock.notebook_digest)
    assert found == (__version__, pipeline.notebook_path, pipeline.notebook_digest)


def test_the_order_of_files_does_not_matter(text: str, pipeline: Pipeline) -> None:
    assert lock_text(pipeline, dict(reversed(FILES.items())), LINES) == text


def test_a_file_takes_one_line(text: str) -> None:
    assert [line.partition(":")[0].strip(' "') for line in text.splitlines() if '"digest":"' in line][1:] == [
        "README.md",
        "demo/stages/train.py",
    ]


def test_truncated_anywhere_is_refused(text: str) -> None:
    for end in range(0, len(text) - 2, 7):
        with pytest.raises(LockError, match="cut short"):
            read_lock(text[:end])


@pytest.mark.parametrize("foreign", ["[]", "null", "{}", "[" * 100_000, '{"files": 3}', "<<<<<<< yours\n{}\n"])
def test_something_else_is_refused(foreign: str) -> None:
    with pytest.raises(LockError, match="malformed"):
        read_lock(foreign)


def test_another_tools_lock_is_refused(text: str) -> None:
    with pytest.raises(LockError, match="not written by nb2pipe"):
        read_lock(changed(text, "tool", "poetry"))


def test_a_text_that_was_changed_is_refused(text: str) -> None:
    with pytest.raises(LockError, match=r"its text of README\.md"):
        read_lock(changed(text, "files README.md text", "# Other\n"))


@pytest.mark.parametrize("path", ["../a", "/etc/a", "a/../../b", "a//b", "./a", "", "..\\a", "C:/a", "a/\0"])
def test_a_place_outside_the_package_is_refused(text: str, path: str) -> None:
    entry = json.loads(text)["files"]["README.md"]
    with pytest.raises(LockError, match="outside the package"):
        read_lock(changed(text, "files", {path: entry}))
