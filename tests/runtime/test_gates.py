"""Gates: what they let through, what they stop, and whether their evidence names it."""

from __future__ import annotations

import math

import pandas as pd
import pandera.pandas as pa
import pytest

from nb2pipe.runtime.definition import DataQuality, Evaluation
from nb2pipe.runtime.gates import assertion_said_no, check_metrics, check_tables
from nb2pipe.runtime.record import CheckRecord, FailureRecord, GateRecord, SourcePlace

FLIGHTS = pd.DataFrame({"month": [1, 13, 5, 13, 0], "tail": ["a", None, "b", "c", "d"]}, index=[4, 17, 18, 19, 20])
MONTHS = pa.Column(int, pa.Check.in_range(1, 12))


def decide(schema: pa.DataFrameSchema, table: object = FLIGHTS) -> GateRecord:
    return check_tables(DataQuality("transform", {"load_data.flights": schema}), {"load_data.flights": table})


def failed(gate: GateRecord) -> list[CheckRecord]:
    return [check for check in gate.checks if not check.passed]


def test_failing_rows_are_named_with_their_values() -> None:
    gate = decide(pa.DataFrameSchema({"month": MONTHS}))
    assert gate.message == "flights.month: 3 rows outside in_range(1, 12), first: row 17 (13)"
    assert failed(gate) == [
        CheckRecord("flights.month", "in_range(1, 12)", False, "3 of 5 rows", ("17 (13)", "19 (13)", "20 (0)"), 3)
    ]


def test_passing_checks_are_listed_too() -> None:
    gate = decide(pa.DataFrameSchema({"month": pa.Column(int, pa.Check.ge(0))}))
    assert gate.passed
    assert [(check.subject, check.rule) for check in gate.checks] == [
        ("flights.month", "is there"),
        ("flights.month", "type int64"),
        ("flights.month", "not null"),
        ("flights.month", "greater_than_or_equal_to(0)"),
    ]


def test_every_failing_check_is_there_and_not_the_first_only() -> None:
    gate = decide(pa.DataFrameSchema({"month": MONTHS, "tail": pa.Column(str), "gone": pa.Column(int)}))
    assert {(check.subject, check.rule) for check in failed(gate)} == {
        ("flights.month", "in_range(1, 12)"),
        ("flights.tail", "not null"),
        ("flights.gone", "is there"),
    }


def test_a_rule_in_words_reads_as_one() -> None:
    gate = decide(pa.DataFrameSchema({"tail": pa.Column(nullable=False)}))
    assert gate.message == "flights.tail: 1 row fails 'not null', first: row 17 (nan)"


def test_nothing_is_said_of_a_column_that_is_not_there() -> None:
    gate = decide(pa.DataFrameSchema({"gone": pa.Column(int)}))
    assert [(check.rule, check.observed) for check in gate.checks] == [("is there", "no such column")]


def test_an_index_with_repeated_labels_is_counted_by_rows() -> None:
    table = pd.DataFrame({"month": [13, 13, 1]}, index=[0, 0, 0])
    assert failed(decide(pa.DataFrameSchema({"month": MONTHS}), table))[0].failing_count == 2


def test_rows_that_are_not_unique_together_show_all_columns() -> None:
    table = pd.DataFrame({"day": [1, 1, 2], "carrier": ["AA", "AA", "UA"]})
    check = failed(decide(pa.DataFrameSchema({}, unique=["day", "carrier"]), table))[0]
    assert (check.failing_count, check.failing_rows[1]) == (2, "1 (day=1, carrier='AA')")


def test_a_wrong_type_names_both_types() -> None:
    check = failed(decide(pa.DataFrameSchema({"month": pa.Column(float)})))[0]
    assert (check.rule, check.observed) == ("type float64", "it has type int64")


def test_a_check_on_whole_rows_names_them() -> None:
    rule = pa.Check(lambda table: table["month"] < 13, name="before 13")
    check = failed(decide(pa.DataFrameSchema({}, checks=[rule])))[0]
    assert (check.rule, check.failing_rows, check.failing_count) == ("before 13", ("17", "19"), 2)


def test_a_check_that_raises_is_a_no() -> None:
    def broken(column: pd.Series) -> bool:
        raise ZeroDivisionError

    assert not decide(pa.DataFrameSchema({"month": pa.Column(int, pa.Check(broken))})).passed


def test_a_schema_that_cannot_be_checked_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = pa.DataFrameSchema({"month": MONTHS})
    monkeypatch.setattr(pa.DataFrameSchema, "validate", lambda *_args, **_kwargs: 1 / 0)
    assert decide(schema).message.startswith("flights: ZeroDivisionError")


def test_rows_are_never_dropped_to_pass() -> None:
    assert not decide(pa.DataFrameSchema({"month": MONTHS}, drop_invalid_rows=True)).passed


def test_panderas_switch_does_not_open_the_gate() -> None:
    from pandera.config import config_context

    with config_context(validation_enabled=False):
        assert not decide(pa.DataFrameSchema({"month": MONTHS})).passed


def test_a_table_that_is_not_there_is_a_no() -> None:
    gate = check_tables(DataQuality("transform", {"load_data.flights": pa.DataFrameSchema({})}), {})
    assert gate.message == "flights: no artifact load_data.flights in this run (asked: is there)"


def test_what_is_not_a_table_is_a_no() -> None:
    assert decide(pa.DataFrameSchema({}), [1, 2]).checks[0].observed == "it is a builtins.list"


def test_the_table_is_left_as_it_was() -> None:
    table = FLIGHTS.copy()
    decide(pa.DataFrameSchema({"month": pa.Column(float, coerce=True)}), table)
    pd.testing.assert_frame_equal(table, FLIGHTS)


def test_no_schemas_pass_and_say_so() -> None:
    gate = check_tables(DataQuality("transform"), {})
    assert (gate.passed, gate.message) == (True, "no schemas are set")


EVALUATION = Evaluation("evaluate")


def test_metrics_within_their_thresholds_pass() -> None:
    gate = check_metrics(EVALUATION, {"auc": {"min": 0.7, "max": 1}, "brier": {"max": 0.2}}, {"auc": 0.7, "brier": 0.1})
    assert gate.passed
    assert [(check.subject, check.rule, check.observed) for check in gate.checks] == [
        ("auc", ">= 0.7", "0.7"),
        ("auc", "<= 1", "0.7"),
        ("brier", "<= 0.2", "0.1"),
    ]


@pytest.mark.parametrize(
    ("thresholds", "metrics", "message"),
    [
        ({"auc": {"min": 0.7}}, {"auc": 0.6999999}, "auc: 0.6999999 (asked: >= 0.7)"),
        ({"auc": {"min": 0.7}}, {"f1": 1.0}, "auc: no metric of this name; there are: f1 (asked: >= 0.7)"),
        ({"auc": {"min": 0.7}}, {"auc": math.nan}, "auc: the metric is nan (asked: >= 0.7)"),
        ({"auc": {"min": 0.7}}, {"auc": math.inf}, "auc: the metric is inf (asked: >= 0.7)"),
        ({"auc": {"min": 0.7}}, {"auc": True}, "auc: the metric is True, not a number (asked: >= 0.7)"),
        ({"auc": {"mim": 0.7}}, {"auc": 1.0}, "auc: unknown threshold 'mim': use min or max (asked: mim)"),
        ({"auc": {"min": "high"}}, {"auc": 1.0}, "auc: the threshold 'high' is not a number (asked: >= high)"),
        ({"auc": {"min": math.nan}}, {"auc": 1.0}, "auc: the threshold nan is not a number (asked: >= nan)"),
        ({"auc": {}}, {"auc": 1.0}, "auc: neither min nor max is set (asked: {min: ..., max: ...})"),
        ({"auc": 0.7}, {"auc": 1.0}, "auc: the config has 0.7 (asked: {min: ..., max: ...})"),
        ([0.7], {}, "gates.evaluation: the config has [0.7] (asked: metric -> {min: ..., max: ...})"),
    ],
)
def test_everything_else_is_a_no(thresholds: object, metrics: dict[str, float], message: str) -> None:
    gate = check_metrics(EVALUATION, thresholds, metrics)  # type: ignore[arg-type]
    assert (gate.passed, gate.message) == (False, message)


@pytest.mark.parametrize("thresholds", [{}, None])
def test_no_thresholds_pass_and_say_so(thresholds: object) -> None:
    gate = check_metrics(EVALUATION, thresholds, {"auc": 0.1})  # type: ignore[arg-type]
    assert (gate.passed, gate.message) == (True, "no thresholds are set (gates.evaluation is empty)")


def test_an_assert_says_no_with_its_place() -> None:
    place = SourcePlace("flights/stages/validate.py", 9, "    assert flights.month.max() <= 12, 'bad month'", 7, 2)
    gate = assertion_said_no(DataQuality("validate"), FailureRecord("AssertionError", "bad month", (place,)))
    assert (gate.passed, gate.stage, gate.message, gate.place) == (False, "validate", "bad month", place)


def test_an_assert_without_a_message_shows_its_code() -> None:
    place = SourcePlace("a.py", 9, "    assert auc > 0.7", 7, 2)
    assert assertion_said_no(EVALUATION, FailureRecord("AssertionError", "", (place,))).message == "assert auc > 0.7"
