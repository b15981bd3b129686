"""What becomes of every piece of a notebook: nothing vanishes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from nb2pipe.convert import explained
from nb2pipe.explain import CellView
from nb2pipe.explain.model import Outcome
from tests.explain.conftest import Explain

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = """\
# %% [markdown]
# # Churn
# %%
%matplotlib inline
import warnings
import pandas as pd
warnings.filterwarnings("ignore")
FACTOR = 3
LIMIT = 0.5
def scaled(v):
    return v * FACTOR
def shifted(v):
    return v + offset
# %% tags=["parameters"]
seed = 7
unused = 8
# %% [markdown]
# Where the rows come from.
# %% tags=["stage:load_data"]
offset = int(str(seed))
rows = [1, 2]
rows.append(offset)
rows
# %%
# %% [markdown]
# Only a look.
# %% tags=["skip"]
max(rows)
# %% tags=["stage:transform"]
moved = [shifted(scaled(r)) for r in rows]
# %% [markdown]
# Then the sum.
# %%
total = sum(moved)
# %% tags=["stage:evaluate"]
score = float(total)
assert score >= 0.25
"""


def fates(cell: CellView) -> list[tuple[int, int, Outcome]]:
    return [(fate.first, fate.last, fate.outcome) for fate in cell.fates]


def test_every_kind_of_fate(explanation_of: Explain) -> None:
    found = explanation_of(NOTEBOOK)
    assert found.converts, found.findings
    assert [fates(cell) for cell in found.cells] == [
        [(1, 1, Outcome.TITLE)],
        [
            (1, 1, Outcome.DROPPED),
            (2, 3, Outcome.IMPORT),
            (4, 4, Outcome.SETTING),
            (5, 5, Outcome.HELPER),
            (6, 6, Outcome.DROPPED),
            (7, 8, Outcome.HELPER),
            (9, 10, Outcome.HELPER),
        ],
        [(1, 1, Outcome.PARAMETER), (2, 2, Outcome.DROPPED)],
        [(1, 1, Outcome.DOCSTRING)],
        [(1, 3, Outcome.STAGE), (4, 4, Outcome.DROPPED)],
        [(1, 1, Outcome.EMPTY)],
        [(1, 1, Outcome.DROPPED)],
        [(1, 1, Outcome.SKIPPED)],
        [(1, 1, Outcome.STAGE)],
        [(1, 1, Outcome.COMMENT)],
        [(1, 1, Outcome.STAGE)],
        [(1, 1, Outcome.STAGE), (2, 2, Outcome.GATE)],
    ]


def test_a_fate_says_why(explanation_of: Explain) -> None:
    setup = explanation_of(NOTEBOOK).cells[1]
    assert [fate.why for fate in setup.fates] == [
        "a magic that does nothing to the results",
        "each module imports what it uses",
        "a process setting: replayed at the start of every later stage",
        "the constant `FACTOR` goes to helpers.py, where functions read it",
        "nothing in the pipeline reads `LIMIT`",
        "`scaled` goes to helpers.py as it stands",
        "`shifted` goes to helpers.py, with what it reads as arguments: `offset`",
    ]


def test_a_function_that_must_stay_inside_its_stage_says_why(explanation_of: Explain) -> None:
    percent = '# %% tags=["stage:train"]\nn = 0\ndef f():\n    global n\n    n += 1\nf()\n'
    (cell,) = explanation_of(percent).cells
    assert [fate.why for fate in cell.fates if fate.outcome is Outcome.HELPER] == [
        "`f` stays inside `train`, because it uses the variable `n`"
    ]


def test_a_raw_cell_and_comments_have_fates(explanation_of: Explain) -> None:
    found = explanation_of('# %%\n# nothing but words\n# %% tags=["stage:train"]\nx = 1\n')
    assert fates(found.cells[0]) == [(1, 1, Outcome.EMPTY)]


def test_a_refused_magic_is_named(explanation_of: Explain) -> None:
    found = explanation_of('# %% tags=["stage:train"]\nx = 1\n%run all.py\n')
    assert not found.converts
    assert (2, 2, Outcome.REFUSED) in fates(found.cells[0])


@pytest.mark.parametrize("name", ["flight_delays", "digits_torch"])
def test_every_statement_of_a_real_notebook_has_a_fate(name: str) -> None:
    found = explained(ROOT / "notebooks" / f"{name}.ipynb")
    assert found.converts
    for cell in found.cells:
        assert cell.fates
        told = {line for fate in cell.fates for line in range(fate.first, fate.last + 1)}
        if cell.index is not None and not cell.source.lstrip().startswith("%"):
            assert {s.lineno for s in ast.parse(cell.source).body} <= told
        assert all(fate.why != "no part of the pipeline holds it" for fate in cell.fates)
