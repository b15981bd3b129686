"""Bad data stops before training, a bad model before it is registered."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import ROOT, Run, run_package

PACKAGE = ROOT / "generated" / "flight_delays"
Row = dict[str, str]


def broken(data: Path, folder: Path, change: Callable[[int, Row], None], drop: str = "") -> Path:
    """A copy of the data with ``change`` made to the rows of flights.csv and the column ``drop`` missing."""
    shutil.copytree(data / "data", folder / "data", ignore=shutil.ignore_patterns("flights.csv"))
    source, target = (
        (data / "data" / "flights.csv").open(newline=""),
        (folder / "data" / "flights.csv").open("w", newline=""),
    )
    with source, target:
        reader = csv.DictReader(source)
        columns = [column for column in reader.fieldnames or () if column != drop]
        writer = csv.DictWriter(target, columns, extrasaction="ignore")
        writer.writeheader()
        for number, row in enumerate(reader):
            change(number, row)
            writer.writerow(row)
    return folder


def leave(number: int, row: Row) -> None:
    """Changes nothing."""


def null_carrier(number: int, row: Row) -> None:
    if number in (17, 40_000):
        row["carrier"] = ""


def impossible_month(number: int, row: Row) -> None:
    if number == 123_456:
        row["month"] = "13"


CASES = {
    "a column missing": (leave, "origin", "origin", ()),
    "a null where none may be": (null_carrier, "", "carrier", ("17", "40000")),
    "an impossible value": (impossible_month, "", "month", ("123456",)),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_data_stops_before_training(case: str, data: Path, tmp_path: Path) -> None:
    change, drop, column, rows = CASES[case]
    run = run_package(PACKAGE, tmp_path / "runs", "--data", str(broken(data, tmp_path / "bad", change, drop)))
    assert run.code == 3, run.stderr
    (gate,) = run.record["gates"]
    (check,) = [check for check in gate["checks"] if not check["passed"]]
    assert (gate["name"], gate["passed"]) == ("data_quality", False)
    assert column in check["subject"] and column in run.stderr
    for row in rows:
        assert any(row in failing for failing in check["failing_rows"])
        assert row in run.stderr
    assert run.stage("train")["status"] == "not started"
    assert registered(run) == []


def test_a_metric_below_its_threshold_is_not_registered(data: Path, tmp_path: Path) -> None:
    options = ("--data", str(data), "--set", "gates.evaluation.roc_auc.min=0.99")
    run = run_package(PACKAGE, tmp_path / "runs", *options)
    assert run.code == 3, run.stderr
    evaluation = next(gate for gate in run.record["gates"] if gate["name"] == "evaluation")
    assert not evaluation["passed"] and "roc_auc" in run.stderr and "0.99" in run.stderr
    assert run.stage("evaluate")["status"] == "done"
    assert run.stage("package")["status"] == "not started"
    assert run.record["model"] is None
    assert registered(run) == []


def registered(run: Run) -> list[str]:
    """Names of the models in the run's registry."""
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=run.record["tracking_uri"], registry_uri=run.record["tracking_uri"])
    return [model.name for model in client.search_registered_models()]
