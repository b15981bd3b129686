"""What comes from outside can be anything: one clear message, exit code 2, nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nb2pipe.cli import main
from nb2pipe.notebook.read import LARGEST_CELL, MOST_CELLS
from tests.notebooks import notebook_json, write_notebook

GOOD = '# %% tags=["stage:load_data"]\nrows = [1, 2]\n# %% tags=["stage:transform"]\ntotal = sum(rows)\n'


def text(content: str, name: str = "n.ipynb") -> Callable[[Path], Path]:
    """A file with this text."""

    def make(folder: Path) -> Path:
        (folder / name).write_text(content, encoding="utf-8", errors="surrogatepass")
        return folder / name

    return make


def raw(content: bytes) -> Callable[[Path], Path]:
    """A file with these bytes."""

    def make(folder: Path) -> Path:
        (folder / "n.ipynb").write_bytes(content)
        return folder / "n.ipynb"

    return make


def changed(**top: Any) -> Callable[[Path], Path]:
    """A good notebook with some of its top-level keys replaced."""
    return text(json.dumps({**notebook_json(GOOD), **top}))


def code(source: str) -> Callable[[Path], Path]:
    """A notebook whose second cell holds this code."""
    content = notebook_json(GOOD)
    content["cells"][1]["source"] = source
    return text(json.dumps(content))


def tags(*names: Any) -> Callable[[Path], Path]:
    """A notebook whose second cell carries these tags."""
    content = notebook_json(GOOD)
    content["cells"][1]["metadata"]["tags"] = list(names)
    return text(json.dumps(content))


def odd_tags(value: Any) -> Callable[[Path], Path]:
    content = notebook_json(GOOD)
    content["cells"][1]["metadata"]["tags"] = value
    return text(json.dumps(content))


def many_cells(folder: Path) -> Path:
    content = notebook_json(GOOD)
    content["cells"] = [{**content["cells"][0], "id": f"c{n}"} for n in range(MOST_CELLS + 1)]
    return text(json.dumps(content))(folder)


def a_folder(folder: Path) -> Path:
    (folder / "n.ipynb").mkdir()
    return folder / "n.ipynb"


TRUNCATED = json.dumps(notebook_json(GOOD))[:200]
R_KERNEL = {"kernelspec": {"display_name": "R", "language": "R", "name": "ir"}}
NOTEBOOKS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "empty": (text(""), "the file is empty"),
    "cut short": (text(TRUNCATED), "breaks off or is malformed at line 1"),
    "other JSON": (text('{"a": 1}'), "JSON without the key 'nbformat'"),
    "a JSON list": (text("[1, 2]"), "JSON without the key 'nbformat'"),
    "JSON nested without end": (text("[" * 200_000), "nested too deeply"),
    "newer format": (changed(nbformat=5), "notebook format 5 is newer"),
    "old format without worksheets": (changed(nbformat=3), "without its 'worksheets'"),
    "cells that are not cells": (changed(cells=[{"cell_type": "code"}]), "not a valid notebook"),
    "cells that are not a list": (changed(cells="all of them"), "not a valid notebook"),
    "not UTF-8": (raw(b"\xff\xfe{}"), "not UTF-8 text"),
    "binary": (raw(bytes(range(256))), "not UTF-8 text"),
    "a folder": (a_folder, "this is a folder"),
    "no such file": (lambda folder: folder / "none.ipynb", "no such file"),
    "unknown suffix": (text("x", "n.txt"), "'.txt' is not a notebook format"),
    "a plain script": (text("x = 1\n", "n.py"), "a plain script, not a notebook"),
    "another language": (changed(metadata=R_KERNEL), "the notebook's language is 'R'"),
    "no code": (changed(cells=[]), "the notebook has no code cells"),
    "not Python": (code("total = sum(rows"), "cell 2, line 1: not Python"),
    "Python 2": (code("x = 1\nprint 'hello'"), "cell 2, line 2: not Python"),
    "return outside a function": (code("return 3"), "cell 2, line 1: not Python"),
    "null byte": (code("x = 'a\0b'"), "cell 2"),
    "lone surrogate": (code("x = '\ud800'"), "cell 2"),
    "ten thousand parentheses": (code("x = " + "(" * 10_000 + ")" * 10_000), "cell 2"),
    "a huge cell": (code("x = 1\n" * (LARGEST_CELL // 6 + 1)), "characters are over the limit of 1,048,576"),
    "too many cells": (many_cells, "over the limit of 20,000"),
    "a tag that is a path": (tags("stage:../../etc/passwd"), "cell 2: '../../etc/passwd' is no name for a stage"),
    "a tag that is code": (tags("stage:x; import os"), "cell 2: 'x; import os' is no name for a stage"),
    "a tag that is a template": (tags("stage:{{7*7}}"), "cell 2: '{{7*7}}' is no name for a stage"),
    "a tag with a line break": (tags("stage:a\nb"), "cell 2: 'a\\nb' is no name for a stage"),
    "a tag that is a keyword": (tags("stage:import"), "cell 2: 'import' is reserved by Python"),
    "a tag that is a dunder": (tags("stage:__init__"), "cell 2: '__init__' is reserved by Python"),
    "a tag without a name": (tags("stage:"), "cell 2: '' is no name for a stage"),
    "a tag too long": (tags("stage:" + "a" * 65), "has 65 characters"),
    "two stages in one cell": (tags("stage:train", "stage:evaluate"), "contradict each other"),
    "skip and parameters": (tags("skip", "parameters"), "contradict each other"),
    "tags that are a word": (odd_tags("stage:train"), "cell 2"),
    "tags that are numbers": (odd_tags([1]), "cell 2"),
}


@pytest.mark.parametrize("case", NOTEBOOKS)
@pytest.mark.parametrize("command", ["convert", "check"])
def test_a_bad_notebook_gets_one_message_and_leaves_nothing(case: str, command: str, tmp_path: Path) -> None:
    make, message = NOTEBOOKS[case]
    notebook = make(tmp_path)
    output = tmp_path / "generated"
    result = CliRunner().invoke(
        main, [command, str(notebook), *(["--output", str(output)] if command == "convert" else [])]
    )
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1, result.stderr
    assert message in result.stderr
    assert not output.exists()


NAMES = ("../up", "a b", "class", "os", "pandas", "_private", "x" * 200, "a.b", "", "naïve")


@pytest.mark.parametrize("name", [name for name in NAMES if name])
def test_a_bad_name_is_refused(name: str, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "n.ipynb", GOOD)
    result = CliRunner().invoke(main, ["convert", str(notebook), "--output", str(tmp_path / "out"), "--name", name])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "cannot name a package" in result.stderr
    assert not (tmp_path / "out").exists()


def foreign_files(target: Path) -> None:
    target.mkdir(parents=True)
    (target / "thesis.tex").write_text("years of work")


def a_file(target: Path) -> None:
    target.parent.mkdir(parents=True)
    target.write_text("a file")


def a_link(target: Path) -> None:
    target.parent.mkdir(parents=True)
    (target.parent / "elsewhere").mkdir()
    target.symlink_to(target.parent / "elsewhere")


def a_broken_lock(target: Path) -> None:
    target.mkdir(parents=True)
    (target / "notebook.lock").write_text('{"tool": "nb2pipe", "fil')


TARGETS = {
    "files of somebody else": (foreign_files, "files that nb2pipe did not write"),
    "a file": (a_file, "is not a folder"),
    "a link": (a_link, "is not a folder"),
    "a lock cut short": (a_broken_lock, "notebook.lock is cut short"),
}


@pytest.mark.parametrize("case", TARGETS)
def test_a_target_that_is_not_ours_is_left_alone(case: str, tmp_path: Path) -> None:
    make, message = TARGETS[case]
    make(tmp_path / "out" / "n")
    before = sorted(path.name for path in (tmp_path / "out").rglob("*"))
    notebook = write_notebook(tmp_path / "n.ipynb", GOOD)
    result = CliRunner().invoke(main, ["convert", str(notebook), "--output", str(tmp_path / "out")])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert message in result.stderr
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == before


def test_an_old_format_is_upgraded(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "input": "rows = [1]", "language": "python", "metadata": {}, "outputs": []}]
    content = {"metadata": {"name": "old"}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells}]}
    (tmp_path / "old.ipynb").write_text(json.dumps(content))
    result = CliRunner().invoke(main, ["check", str(tmp_path / "old.ipynb")])
    assert result.exit_code == 0, result.output


RUNS = {
    "no such package": ((), "none", "does not exist"),
    "not a package": ((), "empty", "empty"),
}


@pytest.mark.parametrize("case", RUNS)
def test_a_bad_package_gets_one_message(case: str, tmp_path: Path) -> None:
    options, name, message = RUNS[case]
    (tmp_path / "empty").mkdir()
    result = CliRunner().invoke(main, ["run", str(tmp_path / name), "--output", str(tmp_path / "runs"), *options])
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1 and message in result.stderr
    assert not (tmp_path / "runs").exists()
