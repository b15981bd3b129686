"""Literals that become parameters, and those that do not."""

from __future__ import annotations

import pytest

from nb2pipe.pipeline.literals import annotation_of
from tests.pipeline.conftest import MakePipeline

SETUP = """
# %%
import pandas as pd
import torch
from pathlib import Path
from sklearn.linear_model import Ridge, LogisticRegression
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader
# %% tags=["parameters"]
seed = 3
# %% tags=["stage:load_data"]
df = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
"""

LIFTED = [
    ("m = Ridge(alpha=0.5, fit_intercept=True)", {"train.ridge.alpha": 0.5, "train.ridge.fit_intercept": True}),
    ("m = Ridge(random_state=seed)", {}),
    ("m = [Ridge(alpha=1.0), Ridge(alpha=2.0)]", {"train.ridge.alpha": 1.0, "train.ridge_2.alpha": 2.0}),
    (
        "one = DataLoader(df, batch_size=8)\ntwo = DataLoader(df, batch_size=9)",
        {"train.one.batch_size": 8, "train.two.batch_size": 9},
    ),
    ("o = torch.optim.Adam([torch.zeros(1)], lr=1e-3)", {"train.adam.lr": 0.001}),
    ("a, b = train_test_split(df, test_size=0.2)", {"train.train_test_split.test_size": 0.2}),
    ("x = pd.read_csv('in/my data.csv')", {"train.read_csv.my_data_path": "in/my data.csv"}),
    ("df.to_csv('out.csv')", {"train.to_csv.out_path": "out.csv"}),
    ("with open('notes.txt', 'w') as f:\n    f.write('x')", {"train.open.notes_path": "notes.txt"}),
    ("x = df[['a', 'b']]", {"train.df_columns": ["a", "b"]}),
    ("x = df.drop(columns=['a', 'b'])", {"train.drop.columns": ["a", "b"]}),
    ("x = df['a'] > 15", {"train.a_threshold": 15}),
    ("x = df['a'] > 0", {}),
    ("rounds = 7\nx = [rounds]", {"train.rounds": 7}),
    ("rounds = 7\nrounds += 1\nx = [rounds]", {}),
    ("names = ['a', 'b']\nx = df[names]", {"train.names": ["a", "b"]}),
    ("names = ['a']\nnames.append('b')\nx = df[names]", {}),
    ("def f():\n    return Ridge(alpha=9.0)\nm = f()", {}),
    ("x = [df[['a', 'b']] for _ in range(2)]", {}),
    ("m = Ridge(alpha=float('inf'))", {}),
]


@pytest.mark.parametrize(("code", "values"), LIFTED, ids=[code for code, _ in LIFTED])
def test_lifted(code: str, values: dict[str, object], pipeline_of: MakePipeline) -> None:
    pipeline = pipeline_of(f'{SETUP}# %% tags=["stage:train"]\n{code}\n')
    assert {p.key: p.value for p in pipeline.parameters if p.key.startswith("train.")} == values


def test_arguments_collide_with_nothing(pipeline_of: MakePipeline) -> None:
    code = "alpha = len(df)\nm = Ridge(alpha=0.5, max_iter=9)\nmax = max(alpha, 2)\nprint(alpha, m)\n"
    pipeline = pipeline_of(f'{SETUP}# %% tags=["stage:train"]\n{code.replace("max = max", "top = max")}')
    assert set(pipeline.stages[-1].params) == {"ridge_alpha", "max_iter"}


def test_a_parameter_that_a_stage_changes_becomes_an_artifact(pipeline_of: MakePipeline) -> None:
    pipeline = pipeline_of(
        '# %% tags=["parameters"]\ncolumns = ["a"]\n# %% tags=["stage:load_data"]\ncolumns.append("b")\n'
        '# %% tags=["stage:train"]\nprint(columns)\n'
    )
    load, train = pipeline.stages
    assert load.params == {"columns": "parameters.columns"}
    assert train.inputs == {"columns": "load_data.columns"}


ANNOTATIONS = [
    (1, "int"),
    (True, "bool"),
    (1.5, "float"),
    ("a", "str"),
    (None, "Any"),
    (["a"], "list[str]"),
    ([1, "a"], "list[Any]"),
    ((1, 2), "tuple[int, ...]"),
    ((1, "a"), "tuple[int, str]"),
    ({"a": 1}, "dict[str, int]"),
    ({"a": 1, "b": [2]}, "dict[str, Any]"),
    ({1: "a"}, "dict[int, str]"),
    ({"a": {"b": (1,)}}, "dict[str, dict[str, tuple[int, ...]]]"),
    (float("inf"), None),
    (b"x", None),
    (1j, None),
    ("\0", None),
    ("\ud800", None),
    ({(1, 2): 3}, None),
    ([(1,), [2]], None),
]


@pytest.mark.parametrize(("value", "annotation"), ANNOTATIONS, ids=[ascii(value) for value, _ in ANNOTATIONS])
def test_annotations_tell_how_to_give_the_value_back(value: object, annotation: str | None) -> None:
    assert annotation_of(value) == annotation
