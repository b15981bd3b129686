"""What statements may change in place, share, draw, and what types values have."""

from __future__ import annotations

from pathlib import Path

import pytest

from nb2pipe.analysis import Facts, analyse
from nb2pipe.notebook import read_notebook
from tests.notebooks import write_notebook

SETUP = """
import random
import numpy as np
import pandas as pd
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
def grow(items, x):
    items.append(x)
def log(x):
    history.append(x)
def total(items):
    return sum(len(i) for i in items)
class Counter:
    def __init__(self, start):
        self.n = start
    def add(self):
        self.n += 1
    def value(self):
        return self.n
history = []
rows, more = [1, 2], [3]
df = pd.DataFrame({"a": [1]})
test = pd.DataFrame({"a": [1]})
array = np.zeros(3)
model = RandomForestClassifier()
counter = Counter(1)
"""


def facts_of(code: str, folder: Path) -> Facts:
    return analyse(read_notebook(write_notebook(folder / "n.ipynb", f"# %%\n{SETUP}\n# %%\n{code}")))


def mutated(code: str, folder: Path) -> set[str]:
    """Names that the code may change, and those that share an object with one of them because of it."""
    effects = [s.effects for s in facts_of(code, folder).statements if s.cell == 2]
    names = {name for e in effects for name in e.mutates}
    pairs = {pair for e in effects for pair in e.aliases}
    while more := {name for pair in pairs if names & set(pair) for name in pair} - names:
        names |= more
    return names


MUTATED = [
    ("rows.append(1)", "rows"),
    ("rows[0] = 1", "rows"),
    ("del rows[0]", "rows"),
    ("rows += [1]", "rows"),
    ("rows = rows + [1]", ""),
    ("n = len(rows)", ""),
    ("sorted(rows)", ""),
    ("rows.sort()", "rows"),
    ("grow(rows, 1)", "rows"),
    ("grow(x=1, items=rows)", "rows"),
    ("log(1)", "history"),
    ("total([rows, more])", "rows more"),  # for all that is known, it could be given an iterator
    ("list(map(log, more))", "history more"),
    ('df["b"] = 1', "df"),
    ("df.b = 1", "df"),
    ('df.loc[0, "a"] = 1', "df"),
    ("df.drop(columns=['a'], inplace=True)", "df"),
    ("df.drop(columns=['a'], inplace=False)", ""),
    ("other = df.drop(columns=['a'])", ""),
    ("df.merge(test).groupby('a').mean()", ""),
    ("for d in [df, test]:\n    d['x'] = 1", "df test d"),
    ("for i, (d, r) in enumerate(zip([df], [rows])):\n    d['x'] = i", "df d rows r"),
    ("[r.append(1) for r in [rows, more]]", "rows more"),
    ("array[0] = 1", "array"),
    ("array.sort()", "array"),
    ("np.random.shuffle(array)", "array"),
    ("np.add(array, 1, out=array)", "array"),
    ("np.sort(array)", ""),
    ("model.fit(df, array)", "model"),
    ("model.predict(df)", ""),
    ("pipe = make_pipeline(StandardScaler(), model)\npipe.fit(df)", "pipe model"),
    ("counter.add()", "counter"),
    ("counter.value()", ""),
    ("setattr(counter, 'n', 3)", "counter"),
    ("unknown_function(rows)", "rows"),
    ("list.append(rows, 1)", "rows"),
    ("import operator\noperator.iadd(rows, [1])", "rows"),
]


@pytest.mark.parametrize(("code", "names"), MUTATED, ids=[code for code, _ in MUTATED])
def test_mutated(code: str, names: str, tmp_path: Path) -> None:
    assert mutated(code, tmp_path) - {"unknown_function"} == set(names.split())


SHARED = [
    ("alias = rows", True),
    ("alias = [rows]", True),
    ("alias = {'k': rows}", True),
    ("alias = list(rows)", False),  # a new list of numbers
    ("rows = [rows]\nalias = list(rows)", True),  # the elements are the same
    ("alias = rows[0:1]", True),
    ("alias = {}\ndict.update(alias, a=rows)", True),
    ("alias = []\nunknown_function(alias, rows)", True),
    ("alias = len(rows)", False),
    ("alias = str(rows)", False),
    ("alias = (rows if more else None)", True),
    ("alias = lambda: rows", False),
]


@pytest.mark.parametrize(("code", "shares"), SHARED, ids=[code for code, _ in SHARED])
def test_sharing(code: str, shares: bool, tmp_path: Path) -> None:
    pairs = {pair for statement in facts_of(code, tmp_path).statements for pair in statement.effects.aliases}
    assert (("alias", "rows") in pairs) is shares


def test_memory_that_a_table_gives_out_is_known_as_a_view(tmp_path: Path) -> None:
    pairs = {
        pair
        for s in facts_of("memory = table.values\ncopy = table.values.copy()", tmp_path).statements
        for pair in s.effects.views
    }
    assert pairs == {("memory", "table")}


TYPES = [
    ("v = 1", "int"),
    ("v = 1 / 2", "float"),
    ("v = f'{rows}'", "str"),
    ("v = ['a', 'b']", "list[str]"),
    ("v = {'a': 1.0}", "dict[str, float]"),
    ("v = [str(r) for r in rows]", "list[str]"),
    ("v = pd.read_csv('x.csv')", "pandas.DataFrame"),
    ("v = df['a']", "pandas.Series"),
    ("v = df[['a']]", "pandas.DataFrame"),
    ("v = df[df['a'] > 1]", "pandas.DataFrame"),
    ("v = df.dropna().reset_index()", "pandas.DataFrame"),
    ("v = df['a'].to_numpy()", "numpy.ndarray"),
    ("v = RandomForestClassifier().fit(df, array)", "sklearn.ensemble.RandomForestClassifier"),
    ("v = model.predict(df)", "numpy.ndarray"),
    ("v = Counter(2)", "notebook:Counter"),
    ("v = counter.value()", None),
    ("v = None\nfor i in rows:\n    v = i", None),
    ("v = 1 if rows else 'a'", None),
]


@pytest.mark.parametrize(("code", "kind"), TYPES, ids=[code for code, _ in TYPES])
def test_types(code: str, kind: str | None, tmp_path: Path) -> None:
    assert facts_of(code, tmp_path).types.get("v") == kind


RANDOM = [
    ("random.seed(1)", "seeds"),
    ("np.random.seed(1)", "seeds"),
    ("torch.manual_seed(1)", "seeds"),
    ("x = random.random()", "draws"),
    ("x = np.random.rand(3)", "draws"),
    ("x = df.sample(2)", "draws"),
    ("model.fit(df, array)", "draws"),
    ("x = torch.nn.Linear(2, 3)", "draws"),
    ("x = np.random.default_rng(1)", ""),
    ("x = df.mean()", ""),
]


@pytest.mark.parametrize(("code", "flag"), RANDOM, ids=[code for code, _ in RANDOM])
def test_random_numbers(code: str, flag: str, tmp_path: Path) -> None:
    last = facts_of(code, tmp_path).statements[-1].effects
    assert {word for word, on in (("seeds", last.seeds), ("draws", last.draws)) if on} == set(flag.split())


KINDS = [
    ("df.head()", "display"),
    ("df", "display"),
    ("display(df)", "display"),
    ("print(df)", "code"),
    ("df['a'].hist()", "code"),
    ("rows.pop()", "code"),
    ("pd.set_option('display.width', 100)", "setting"),
    ("np.random.seed(1)", "code"),
    ("import json", "import"),
    ("double = lambda x: 2 * x", "definition"),
]


@pytest.mark.parametrize(("code", "kind"), KINDS, ids=[code for code, _ in KINDS])
def test_kinds(code: str, kind: str, tmp_path: Path) -> None:
    assert facts_of(code, tmp_path).statements[-1].kind == kind
