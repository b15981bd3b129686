"""The author's asserts, read as rules of columns and bounds of metrics."""

from __future__ import annotations

import pytest

from nb2pipe.pipeline.model import ColumnRule, TableContract
from tests.pipeline.conftest import MakePipeline


def contract_of(code: str, pipeline_of: MakePipeline) -> TableContract | None:
    contracts = pipeline_of(
        "# %%\nimport pandas as pd\nNAMES = ['a', 'b']\n"
        '# %% tags=["stage:load_data"]\ndf = pd.read_csv("x.csv")\n'
        f'# %% tags=["stage:validate_data"]\n{code}\n'
    ).contracts
    return contracts[0] if contracts else None


def rule(column: str = "a", *checks: str, nullable: bool = False, unique: bool = False) -> ColumnRule:
    return ColumnRule(column, checks, nullable, unique)


RULES = [
    ('assert "a" in df.columns', [rule(nullable=True)]),
    ('assert {"a", "b"} <= set(df.columns)', [rule(nullable=True), rule("b", nullable=True)]),
    ("assert set(NAMES).issubset(df.columns)", [rule(nullable=True), rule("b", nullable=True)]),
    ("assert not set(NAMES) - set(df.columns)", [rule(nullable=True), rule("b", nullable=True)]),
    ("assert all(n in df.columns for n in NAMES)", [rule(nullable=True), rule("b", nullable=True)]),
    ('assert df["a"].notna().all()', [rule()]),
    ("assert df.a.notnull().all(), 'gaps'", [rule()]),
    ('assert not df["a"].isna().any()', [rule()]),
    ('assert df["a"].isnull().sum() == 0', [rule()]),
    ('assert df[["a", "b"]].notna().all().all()', [rule(), rule("b")]),
    ('assert df["a"].between(1, 12).all()', [rule("a", "pa.Check.in_range(1, 12)")]),
    ('assert df["a"].dropna().between(0, 1).all()', [rule("a", "pa.Check.in_range(0, 1)", nullable=True)]),
    ('assert df["a"].isin(["x", "y"]).all()', [rule("a", "pa.Check.isin(['x', 'y'])")]),
    ('assert df["a"].isin(NAMES).all()', [rule("a", "pa.Check.isin(['a', 'b'])")]),
    ('assert (df["a"] > 0).all()', [rule("a", "pa.Check.gt(0)")]),
    ('assert (df["a"] <= 2.5).all()', [rule("a", "pa.Check.le(2.5)")]),
    (
        'assert ((df["a"] > 0) & (df["a"] < 9)).all()',
        [rule("a", "pa.Check.gt(0)", "pa.Check.lt(9)")],
    ),
    (
        'assert (df["a"] >= 0).all() and df["a"].is_unique',
        [rule("a", "pa.Check.ge(0)", unique=True)],
    ),
    ('assert not df["a"].duplicated().any()', [rule(nullable=True, unique=True)]),
    ('for n in ["a", "b"]:\n    assert df[n].notna().all()', [rule(), rule("b")]),
    ("for n in NAMES:\n    assert df[n].notna().all()", [rule(), rule("b")]),
]


@pytest.mark.parametrize(("code", "rules"), RULES, ids=[code for code, _ in RULES])
def test_rules(code: str, rules: list[ColumnRule], pipeline_of: MakePipeline) -> None:
    contract = contract_of(code, pipeline_of)
    assert contract is not None
    assert (contract.artifact, list(contract.columns)) == ("load_data.df", rules)


UNREAD = [
    'df = df.dropna()\nassert df["a"].notna().all()',
    'df["b"] = 1\nassert df["a"].notna().all()',
    'clean = df.dropna()\nassert clean["a"].notna().all()',
    'assert df["a"].mean() > 3',
    'assert df["a"].between(df["b"], 12).all()',
    'if len(df):\n    assert df["a"].notna().all()',
]


@pytest.mark.parametrize("code", UNREAD)
def test_what_is_not_said_of_the_table_as_it_came_is_left_alone(code: str, pipeline_of: MakePipeline) -> None:
    assert contract_of(code, pipeline_of) is None


def test_row_counts(pipeline_of: MakePipeline) -> None:
    contract = contract_of("assert len(df) > 1000", pipeline_of)
    assert contract is not None
    assert contract.table_checks == ('pa.Check(lambda table: len(table) > 1000, error="more than 1000 rows")',)


THRESHOLDS = [
    ('assert metrics["auc"] >= 0.7', ("auc", "min", 0.7)),
    ('assert metrics["loss"] <= 2, "too bad"', ("loss", "max", 2)),
    ("assert score >= 0.5", ("score", "min", 0.5)),
    ('assert metrics["auc"] > 0.7', None),
    ('assert metrics["auc"] >= limit', None),
    ("assert other >= 0.5", None),
]


@pytest.mark.parametrize(("code", "expected"), THRESHOLDS, ids=[code for code, _ in THRESHOLDS])
def test_thresholds(code: str, expected: tuple[str, str, float] | None, pipeline_of: MakePipeline) -> None:
    pipeline = pipeline_of(
        '# %% tags=["stage:train"]\nlimit = len("abc")\nother = len("ab")\n# %% tags=["stage:evaluate"]\n'
        f'metrics = {{"auc": 0.8, "loss": 1.0}}\nscore = float(limit)\nprint(metrics, other)\n{code}\n'
    )
    found = [(t.metric, t.bound, t.value) for t in pipeline.thresholds]
    assert found == ([expected] if expected else [])
    kept = {k.order for k in pipeline.stages[-1].body}
    assert (3 in kept) is (expected is None), "what becomes a threshold leaves the stage"
