"""Findings for other programs, and the page of documentation made from the rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from nb2pipe import __version__
from nb2pipe.cli import main
from nb2pipe.diagnostics import RULES, Diagnostic
from nb2pipe.diagnostics.formats import Finding, github
from nb2pipe.diagnostics.page import page
from nb2pipe.notebook.lines import file_lines
from tests.notebooks import write_notebook

ROOT = Path(__file__).resolve().parents[1]
PERCENT = '# %% [markdown]\n# # Title\n# %% tags=["stage:load_data"]\nx = 1\n%run all.py\n'


def check(*arguments: object) -> str:
    result = CliRunner().invoke(main, ["check", *map(str, arguments)])
    assert result.exit_code == 1, result.output
    return result.stdout


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("my notes.py")
    path.write_text(PERCENT)
    return path


def test_the_page_is_what_the_rules_say() -> None:
    written = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    assert written == page(), "the rules have changed: make docs"


def test_the_page_has_every_rule() -> None:
    text = page()
    for rule in RULES:
        assert f"\n## {rule.code}\n" in text
        assert rule.earns.rstrip("\n") in text
        assert rule.clean.rstrip("\n") in text


def test_github_annotations_name_the_line_of_the_file(notebook: Path) -> None:
    (line,) = check(notebook, "--format", "github").splitlines()
    assert line.startswith("::error file=my notes.py,line=5,title=NB101::cell 2, line 2: `%25run all.py` has no")


def test_github_annotations_are_one_line_each() -> None:
    finding = Finding("a,b:c%.ipynb", 1, Diagnostic(1, 1, "NB101", "one\ntwo", "100%"))
    assert github(finding) == (
        "::error file=a%2Cb%3Ac%25.ipynb,line=1,title=NB101::cell 1, line 1: one%0Atwo (mend: 100%25)"
    )


def test_sarif(notebook: Path) -> None:
    log = json.loads(check(notebook, "--format", "sarif"))
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert (log["version"], driver["name"], driver["version"]) == ("2.1.0", "nb2pipe", __version__)
    assert [rule["id"] for rule in driver["rules"]] == [rule.code for rule in RULES]
    (result,) = run["results"]
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "NB101"
    assert result["level"] == "error"
    place = result["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "my%20notes.py"}, "region": {"startLine": 5}}


def test_json_is_the_same_by_either_name(notebook: Path) -> None:
    assert json.loads(check(notebook, "--json")) == json.loads(check(notebook, "--format", "json"))


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_a_clean_notebook_gives_an_empty_list(form: str, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "n.ipynb", '# %% tags=["stage:load_data"]\nx = 1\n')
    result = CliRunner().invoke(main, ["check", str(path), "--format", form])
    found = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (found if form == "json" else found["runs"][0]["results"]) == []


def test_lines_of_a_notebook_file() -> None:
    cells = [{"cell_type": "code", "source": source} for source in (["a\n", "b\n", "c"], "one", ["d"])]
    text = json.dumps({"cells": cells}, indent=1)
    line_of = file_lines(text, ".ipynb", 3)
    lines = text.split("\n")
    assert [lines[line_of(*place) - 1].strip() for place in ((1, 1), (1, 3), (2, 1), (3, 1))] == [
        '"a\\n",',
        '"c"',
        '"source": "one"',
        '"d"',
    ]


def test_lines_that_the_file_does_not_tell_are_the_first() -> None:
    assert file_lines('{"cells": [{"source": "x"}]}', ".ipynb", 1)(1, 1) == 1
    assert file_lines("---\n", ".md", 2)(2, 3) == 1
