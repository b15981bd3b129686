"""Every rule's own examples: one notebook that earns it, one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from nb2pipe.convert import check
from nb2pipe.diagnostics import RULES, Rule
from tests.notebooks import write_notebook


def codes(percent: str, folder: Path) -> set[str]:
    return {finding.code for finding in check(write_notebook(folder / "example.ipynb", percent))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_helpers_beside_the_notebook.py").write_text("def load():\n    return [1, 2]\n")
    return tmp_path


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_example_earns_the_rule(rule: Rule, folder: Path) -> None:
    assert rule.code in codes(rule.earns, folder)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_clean_example_earns_nothing(rule: Rule, folder: Path) -> None:
    assert codes(rule.clean, folder) == set()


def test_codes_are_unique() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)


def test_a_finding_names_cell_line_construct_and_mend(folder: Path) -> None:
    percent = '# %% tags=["stage:load_data"]\nrows = 1\n%run prepare.py\n'
    (finding,) = check(write_notebook(folder / "example.ipynb", percent))
    assert finding.text("example.ipynb") == (
        "example.ipynb: cell 1, line 2: error NB101: `%run prepare.py` has no translation to plain Python\n"
        "  mend: write it in Python, or tag the cell `skip` if the pipeline does not need it"
    )
