"""``nb2pipe explain`` from outside: what it prints, writes and answers."""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nb2pipe.cli import main
from tests.notebooks import write_notebook

GOLDEN = Path(__file__).parent / "golden" / "small.txt"
SMALL = """\
# %% [markdown]
# # Small
# %%
import math
def root(v):
    return math.sqrt(v)
# %% tags=["parameters"]
seed = 7
# %% tags=["stage:load_data"]
rows = [1, 4, seed]
# %% tags=["skip"]
max(rows)
# %% tags=["stage:transform"]
d = rows
d.append(9)
roots = [root(r) for r in rows]
# %% tags=["stage:evaluate"]
score = float(sum(roots) / len(rows))
roots
rows
"""
REFUSED = '# %% tags=["stage:load_data"]\nx = list("ab")\n# %% tags=["stage:train"]\n%run all.py\n# %%\ny = len(x)\n'
HOSTILE = """\
# %% [markdown]
# # </title><script>alert(1)</script> \x1b[31m
# %% tags=["stage:load_data", "</span><img src=x onerror=alert(2)>", "--> &lt;"]
x = ["</pre><script>alert(3)</script>"]  # {{ 7 * 7 }} {% raw %} \x1b]0;gone\x07
# %% tags=["stage:train"]
y = x, "\\ud800", "`tick`", "<b>&amp;</b>"
print(y)
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    return write_notebook(tmp_path / "small.ipynb", SMALL)


def explain(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["explain", *map(str, arguments)])


def test_the_text_is_what_it_was(notebook: Path) -> None:
    result = explain(notebook)
    assert result.exit_code == 0
    if os.environ.get("NB2PIPE_UPDATE_GOLDEN"):
        GOLDEN.write_text(result.stdout, encoding="utf-8")
    assert result.stdout == GOLDEN.read_text(encoding="utf-8")


def test_a_pipe_gets_plain_text(notebook: Path) -> None:
    assert "\x1b" not in explain(notebook).stdout


def test_json_keeps_its_contract(notebook: Path) -> None:
    result = explain(notebook, "--json")
    data: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == 0
    names = ("index", "stage", "reads", "binds", "mutates")
    assert [tuple(cell[n] for n in names) for cell in data["cells"]] == [
        (0, None, [], [], []),
        (1, None, [], ["seed"], []),
        (2, "load_data", ["seed"], ["rows"], []),
        (3, None, ["rows"], [], []),
        (4, "transform", ["rows"], ["d", "roots"], ["rows"]),
        (5, "evaluate", ["roots", "rows"], ["score"], []),
    ]
    names = ("name", "kind", "inputs", "outputs", "cells")
    assert [tuple(stage[n] for n in names) for stage in data["stages"]] == [
        ("load_data", "load_data", [], ["rows"], [2]),
        ("transform", "transform", ["rows"], ["roots", "rows"], [4]),
        ("evaluate", "evaluate", ["roots", "rows"], ["score"], [5]),
    ]
    assert data["cells"][4]["reasons"] == {"rows": "mutated through alias `d` in cell 6, line 2: `append` called on it"}


def test_mermaid_text(notebook: Path) -> None:
    assert explain(notebook, "--mermaid").stdout.splitlines() == [
        "flowchart TD",
        '    stage_load_data["load_data"]',
        '    stage_transform["transform"]',
        '    stage_evaluate["evaluate"]',
        '    stage_load_data -->|"rows"| stage_transform',
        '    stage_transform -->|"roots, rows"| stage_evaluate',
    ]


def test_a_refused_notebook_is_explained_as_far_as_it_is_known(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "refused.ipynb", REFUSED)
    result = explain(path, "--json")
    assert result.exit_code == 1
    assert "NB101" in result.stderr
    data = json.loads(result.stdout)
    assert not data["converts"]
    assert [cell["reads"] for cell in data["cells"]] == [[], [], ["x"]]
    assert [stage["inputs"] for stage in data["stages"]] == [[], ["x"]]
    for form in ((), ("--mermaid",), ("--html", tmp_path / "page.html")):
        assert explain(path, *form).exit_code == 1


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_what_cannot_be_read_is_exit_code_2(content: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_text(content)
    result = explain(path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")


def test_only_one_form_at_a_time(notebook: Path) -> None:
    assert explain(notebook, "--json", "--mermaid").exit_code == 2


# The page


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def page_of(path: Path, target: Path) -> str:
    result = explain(path, "--html", target)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{target}\n"
    return target.read_text(encoding="utf-8")


def test_the_page_needs_no_network(notebook: Path, tmp_path: Path) -> None:
    text = page_of(notebook, tmp_path / "page.html")
    tags = Tags()
    tags.feed(text)
    assert "script" not in {tag for tag, _ in tags.seen}
    for _, attributes in tags.seen:
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    assert not re.search(r"@import|url\((?!#)", text)


def test_the_page_holds_every_cell_and_the_graph(notebook: Path, tmp_path: Path) -> None:
    text = page_of(notebook, tmp_path / "page.html")
    assert all(f'id="cell-{number}"' in text for number in range(1, 8))
    assert "<svg" in text
    assert "mutated through alias <code>d</code> in cell 6, line 2" in text


def test_nothing_in_a_notebook_becomes_markup(tmp_path: Path) -> None:
    text = page_of(write_notebook(tmp_path / "hostile.ipynb", HOSTILE), tmp_path / "page.html")
    tags = Tags()
    tags.feed(text)
    assert not {"script", "img", "b"} & {tag for tag, _ in tags.seen}
    assert not [name for _, attributes in tags.seen for name in attributes if name.startswith("on")]
    assert "{{ 7 * 7 }}" in text
    assert "\x1b" not in text and "\x07" not in text


def test_nothing_in_a_notebook_steers_the_terminal(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "hostile.ipynb", HOSTILE)
    for form in ((), ("--json",), ("--mermaid",)):
        result = explain(path, *form)
        assert result.exit_code == 0, result.output
        assert "\x1b" not in result.stdout and "\x07" not in result.stdout


def test_a_page_that_cannot_be_written_leaves_the_old_one(notebook: Path, tmp_path: Path) -> None:
    target = tmp_path / "missing" / "page.html"
    result = explain(notebook, "--html", target)
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
    page_of(notebook, tmp_path / "page.html")
    page_of(notebook, tmp_path / "page.html")
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".tmp"]


def test_help_has_an_example() -> None:
    assert "Example: nb2pipe explain" in explain("--help").stdout
