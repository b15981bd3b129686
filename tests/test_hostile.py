"""Notebooks made to exhaust memory, time or the stack end in a message, for every command that reads notebooks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

#: Runs the three commands in one process and tells their exit codes and the peak of its memory in MiB.
COMMANDS = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))  # a safety net: without it, a mistake would never end
from nb2pipe.cli import main
codes = []
for command in (["check", sys.argv[1]], ["explain", sys.argv[1]], ["convert", sys.argv[1], "--output", sys.argv[2]]):
    try:
        main.main(command)
    except SystemExit as end:
        codes.append(end.code or 0)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print("\\n" + json.dumps({"codes": codes, "peak": peak}))
"""


def cells(*sources: str, tags: Iterable[str] = ()) -> str:
    """A notebook's text; the first cells carry one tag each, as far as they go."""
    named = [[tag] for tag in tags]
    made = [
        {
            "cell_type": "code",
            "metadata": {"tags": named[position] if position < len(named) else []},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for position, source in enumerate(sources)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": made})


def nested(line: str, depth: int, end: str = "pass") -> str:
    """``line`` within itself, ``depth`` times."""
    return "\n".join(" " * level + line for level in range(depth)) + "\n" + " " * depth + end


#: name -> (the notebook's text, words that its message holds)
REFUSED = {
    "parentheses": (cells("x = " + "(" * 10_000 + "1" + ")" * 10_000), "too many nested parentheses"),
    "lists": (cells("x = " + "[" * 5_000 + "]" * 5_000), "cell 1"),
    "a sum": (cells("x = " + "+".join("1" * 10_000)), "too long a chain"),
    "attributes": (cells("import os\nx = os" + ".path" * 10_000), "too long a chain"),
    "calls": (cells("x = print" + "()" * 5_000), "too long a chain"),
    "subscripts": (cells("x = [1]\ny = x" + "[0]" * 5_000), "too long a chain"),
    "minus signs": (cells("x = " + "-" * 10_000 + "1"), "nested too deeply"),
    "lambdas": (cells("x = " + "lambda: " * 5_000 + "1"), "nested too deeply"),
    "conditions": (cells("x = " + "1 if 1 else " * 5_000 + "1"), "nested too deeply"),
    "elifs": (cells("if 1: pass\n" + "elif 2: pass\n" * 3_000), "branches"),
    "far too many ifs": (cells(nested("if 1:", 5_000)), "over the limit"),
    "ifs": (cells(nested("if 1:", 500)), "too many levels of indentation"),
    "functions": (cells(nested("def f():", 500)), "too many levels of indentation"),
    "functions within reach": (cells(nested("def f():", 90)), "nested too deeply"),
    "magics within magics": (cells("%%time\n" * 3_000 + "x = 1"), "nested too deeply"),
    "many magics": (cells("!run\n" * 5_000), "too many magics"),
    "a large cell": (cells("x = '" + "a" * 50_000_000 + "'"), "over the limit"),
    "many names": (cells("\n".join(f"n{i} = {i}" for i in range(1_000_000))), "over the limit"),
    "many lines": (cells("\n".join(f"n{i}=1" for i in range(20_000))), "over the limit"),
    "many cells": (cells(*["x = 1"] * 100_000), "over the limit"),
    "a null byte": (cells("x = 1\0"), "null bytes"),
    "a lone surrogate": (cells("x = '\ud800'"), "cell 1"),
    "lists of JSON": ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
    "deep metadata": (
        cells("x = 1").replace('"metadata": {}', '"metadata": {"a": ' + "[" * 900 + "]" * 900 + "}"),
        "nested too deeply",
    ),
}

#: What is large but can be had: the commands go through with it.
ACCEPTED = {
    "functions that call each other": cells(
        "def f(x):\n    return g(x) + f(x - 1)\ndef g(x):\n    return f(x)", "def h():\n    return h()", "y = 1"
    ),
    "a class that is its own part": cells("class A:\n    def m(self):\n        return A().m() or self.m()", "a = A()"),
    "constants made of constants": cells(
        *("A0 = A1 = 1" if i < 2 else f"A{i} = A{i - 1} + A{i - 2}" for i in range(1, 300)), "print(A299)"
    ),
    "loops within loops": cells("z = [1]\n" + nested("for x in z:", 18, "z = x, z")),
    "lists of lists of lists": cells(
        "def f():\n    a0 = []\n" + "\n".join(f"    a{i + 1} = [a{i}]" for i in range(3_000))
    ),
    "a chain of helpers": cells(*(f"def f{i}(x):\n    return f{max(i - 1, 0)}(x)" for i in range(300)), "y = f299"),
    "names that share": cells(*("x0 = []" if not i else f"x{i} = [x{i - 1}]" for i in range(1_000))),
    "many names at once": cells("v = list(range(9000))\n" + ", ".join(f"n{i}" for i in range(9_000)) + " = v"),
    "many arguments": cells("def f(" + ", ".join(f"a{i}=[]" for i in range(3_000)) + "):\n    return a0\ny = f()"),
    "digits": cells("x = 1" + "0" * 4_000),
    "more than any memory": cells("x = [0] * 10 ** 10", "y = 'a' * 10 ** 12", "z = 10 ** 10 ** 10"),
}


def outcome(text: str, folder: Path) -> tuple[list[int], float, str]:
    """Exit codes of the commands, the peak of memory, and everything printed."""
    notebook = folder / "hostile.ipynb"
    notebook.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, str(notebook), str(folder / "out")],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    return told["codes"], told["peak"], printed


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_notebooks_are_refused_with_a_message(name: str, tmp_path: Path) -> None:
    text, words = REFUSED[name]
    codes, peak, printed = outcome(text, tmp_path)
    assert codes == [2, 2, 2]
    assert words in printed
    assert "Traceback" not in printed
    assert peak < 1024
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ACCEPTED)
def test_large_notebooks_are_analysed(name: str, tmp_path: Path) -> None:
    codes, peak, printed = outcome(ACCEPTED[name], tmp_path)
    assert all(code in (0, 1) for code in codes), printed[:2000]
    assert "Traceback" not in printed
    assert peak < 1024
