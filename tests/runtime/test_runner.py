"""The runner, with real processes: order, gates, failures, isolation, random numbers, earlier runs."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nb2pipe.runtime import RunError, RunOptions, runner
from nb2pipe.runtime.artifacts import load_artifacts
from nb2pipe.runtime.definition import Pipeline
from nb2pipe.runtime.journal import load
from nb2pipe.runtime.record import RunRecord, Status
from nb2pipe.runtime.store import Store
from tests.runtime.conftest import Runs
from tests.runtime.running import HANDMADE, Heard, command, stage_of


def value(record: RunRecord, artifact: str, folder: Path) -> Any:
    """An artifact of a run."""
    records = [found for stage in record.stages for found in stage.outputs if found.name == artifact]
    return load_artifacts(Store(folder / "runs" / ".nb2pipe"), records)[artifact]


@pytest.fixture(scope="module")
def in_one_process() -> dict[str, Any]:
    """What the notebook computes: the same statements, one kernel."""
    random.seed(7)
    np.random.seed(7)
    numbers = pd.read_csv(HANDMADE / "data" / "numbers.csv")
    train = numbers[["x", "z"]].sample(frac=0.25)
    draws = np.random.rand(4)
    draw = float(np.random.rand()) + random.random()
    return {"train": train, "draws": draws, "draw": draw, "final": float(np.random.rand())}


def test_stages_run_in_order(runs: Runs) -> None:
    heard = Heard()
    runs(reporter=heard, run_id="r")
    assert heard.events == [
        "run r",
        *("load started", "load done"),
        *("split started", "data_quality yes", "split done"),
        *("fit started", "fit done"),
        *("aside started", "aside done"),
        *("judge started", "judge done", "evaluation yes"),
        *("report started", "report done"),
        "ended done in r",
    ]


def test_stages_run_side_by_side(runs: Runs) -> None:
    record = runs(jobs=3)
    assert [stage.status for stage in record.stages] == [Status.DONE] * 6


def test_random_numbers_go_on_bit_for_bit(runs: Runs, tmp_path: Path, in_one_process: dict[str, Any]) -> None:
    record = runs()
    assert value(record, "fit.draw", tmp_path) == in_one_process["draw"]
    assert value(record, "judge.final", tmp_path) == in_one_process["final"]
    pd.testing.assert_frame_equal(value(record, "split.train", tmp_path), in_one_process["train"])


def test_shared_objects_and_memory_stay_shared(runs: Runs, tmp_path: Path) -> None:
    assert value(runs(), "fit.same", tmp_path) is True


def test_module_state_does_not_leak(runs: Runs, tmp_path: Path) -> None:
    assert value(runs(), "fit.counted", tmp_path) == 0


def test_parameters_arrive_with_their_types(runs: Runs, tmp_path: Path) -> None:
    model = value(runs("fit.rate=2"), "fit.model", tmp_path)
    assert model == {"rate": 2.0, "steps": 3, "options": {"verbose": "no", "depth": 2}, "mean": model["mean"]}


def test_metrics_are_in_the_record(runs: Runs) -> None:
    assert set(runs().metrics) == {"rows", "error", "draw"}


def test_the_record_on_disk_is_the_record(runs: Runs, tmp_path: Path) -> None:
    record = runs(run_id="r")
    assert load(tmp_path / "runs" / "r") == record


def test_a_failed_stage_leaves_independent_stages_alone(runs: Runs) -> None:
    record = runs("fit.behaviour=raise")
    assert record.exit_code == 1
    assert {stage.name: str(stage.status) for stage in record.stages} == {
        "load": "done",
        "split": "done",
        "fit": "failed",
        "aside": "done",
        "judge": "not started",
        "report": "not started",
    }


def test_a_failure_names_the_packages_lines(runs: Runs) -> None:
    failure = stage_of(runs("fit.behaviour=raise"), "fit").failure
    assert failure is not None
    assert (failure.type, failure.message) == ("ValueError", "no good")
    assert [(place.file, place.code) for place in failure.trace] == [
        ("handmade/stages/fit.py", "misbehave(behaviour)"),
        ("handmade/helpers.py", 'raise ValueError("no good")'),
    ]
    assert failure.traceback.startswith("Traceback (most recent call last):")
    assert "worker.py" not in failure.traceback


@pytest.mark.parametrize(
    ("behaviour", "kind", "message"),
    [
        ("exit", "SystemExit", "the stage called sys.exit(0); a stage ends by returning"),
        ("die", "StageProcessDied", "was killed (SIGKILL); often the machine had no memory left"),
        ("vanish", "StageProcessDied", "ended with exit code 0 before it was done"),
        ("lack", "BrokenContract", "stage fit did not return draw, same, counted, leftover, but a Lacking"),
        ("unpicklable", "StorageError", "cannot store `fit.leftover` (generator): cannot pickle 'generator' object"),
        ("assert", "AssertionError", "behaves badly"),
    ],
)
def test_what_ends_a_stage_is_said(runs: Runs, behaviour: str, kind: str, message: str) -> None:
    record = runs(f"fit.behaviour={behaviour}")
    failure = stage_of(record, "fit").failure
    assert failure is not None
    assert failure.type == kind
    assert message in failure.message
    assert record.exit_code == 1


def test_what_a_stage_prints_is_in_its_log(runs: Runs, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    record = runs("fit.behaviour=print", run_id="r")
    log = stage_of(record, "fit").log
    assert log == "logs/fit.log"
    assert sorted((tmp_path / "runs" / "r" / log).read_text().splitlines()) == ["said aloud", "said by a child"]
    assert "said" not in capfd.readouterr().out


def test_an_evaluation_gate_stops_what_follows(runs: Runs) -> None:
    heard = Heard()
    record = runs("gates.evaluation.error.max=0.01", reporter=heard)
    assert (record.exit_code, record.status) == (3, Status.STOPPED)
    assert record.message.startswith("gate evaluation said no: error")
    assert "report started" not in heard.events
    assert stage_of(record, "report").status == Status.NOT_STARTED


def test_a_data_quality_gate_stops_its_stage(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text("x,y,z\n-5,1,1\n")
    record = runs(data=tmp_path / "numbers.csv")
    assert record.exit_code == 3
    assert stage_of(record, "split").status == Status.STOPPED
    assert [gate.name for gate in record.gates if not gate.passed] == ["data_quality"]


def test_from_takes_over_what_came_before(runs: Runs, tmp_path: Path, in_one_process: dict[str, Any]) -> None:
    runs(run_id="first")
    heard = Heard()
    record = runs("fit.steps=9", run_id="second", from_stage="fit", reporter=heard)
    assert [event for event in heard.events if event.endswith("started")] == [
        "fit started",
        "judge started",
        "report started",
    ]
    assert value(record, "fit.draw", tmp_path) == in_one_process["draw"]
    assert {str(stage.status) for stage in record.stages} == {"done"}


def test_only_runs_one_stage(runs: Runs) -> None:
    runs(run_id="first")
    heard = Heard()
    record = runs(only="judge", reporter=heard)
    assert [event for event in heard.events if event.endswith("started")] == ["judge started"]
    assert stage_of(record, "report").status == Status.NOT_STARTED


def test_only_cannot_pass_a_gate_that_says_no(runs: Runs) -> None:
    runs(run_id="first")
    record = runs("gates.evaluation.error.max=0.01", only="report")
    assert (record.exit_code, stage_of(record, "report").status) == (3, Status.NOT_STARTED)


def test_from_without_an_earlier_run(runs: Runs, tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        runs(from_stage="fit")
    assert str(caught.value) == (
        f"--from fit needs what load, split made, and in {tmp_path / 'runs'} there is no finished run: "
        "run the whole pipeline first, or name a run with --run-id"
    )


def test_a_run_id_is_used_once(runs: Runs) -> None:
    runs(run_id="r")
    with pytest.raises(RunError, match="the run r exists already"):
        runs(run_id="r")


@pytest.mark.parametrize("run_id", ["../x", ".hidden", "", "a/b", "a" * 129, "a b", "ä"])
def test_a_run_id_is_never_a_path(runs: Runs, run_id: str) -> None:
    with pytest.raises(RunError, match="cannot name a run"):
        runs(run_id=run_id)


def test_an_unknown_stage_is_named_with_those_there_are(runs: Runs) -> None:
    with pytest.raises(RunError, match="no stage 'fitt'; its stages: load, split, fit, aside, judge, report"):
        runs(only="fitt")


def test_bad_input_is_one_message_and_exit_code_2(
    handmade: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = runner.run(handmade, RunOptions(output=tmp_path, overrides=("fit.stepz=1",)))
    assert code == 2
    assert capsys.readouterr().err == "error: --set: no stage reads the key fit.stepz; did you mean fit.steps?\n"


def test_step_by_step_is_the_same_as_a_run(runs: Runs, tmp_path: Path) -> None:
    whole = runs(run_id="whole")
    for stage in ("load", "split", "fit", "aside", "judge", "report"):
        done = command("step", stage, "--run-id", "steps", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    stepped = load(tmp_path / "runs" / "steps")
    assert stepped is not None
    digests = [[output.digest for stage in run.stages for output in stage.outputs] for run in (whole, stepped)]
    assert digests[0] == digests[1]
    assert (stepped.status, stepped.metrics, stepped.exit_code) == (whole.status, whole.metrics, 0)
    assert (tmp_path / "runs" / "steps" / "workspace" / "out" / "metrics.txt").is_file()


def test_a_step_needs_the_stages_before_it(runs: Runs) -> None:
    with pytest.raises(RunError, match="the run s has no result of load, split, which must be done first"):
        runs(run_id="s", stage="fit")


def test_a_step_after_a_gate_that_said_no_does_not_start(runs: Runs) -> None:
    for stage in ("load", "split", "fit"):
        runs(run_id="s", stage=stage)
    assert runs("gates.evaluation.error.max=0.01", run_id="s", stage="judge").exit_code == 3
    record = runs("gates.evaluation.error.max=0.01", run_id="s", stage="report")
    assert (record.exit_code, stage_of(record, "report").status) == (3, Status.NOT_STARTED)


def test_the_users_data_is_not_written_to(runs: Runs, tmp_path: Path) -> None:
    before = (HANDMADE / "data" / "numbers.csv").read_bytes()
    runs("fit.behaviour=write", run_id="r")
    assert (HANDMADE / "data" / "numbers.csv").read_bytes() == before
    assert not (HANDMADE / "data" / "notes.txt").exists()
    assert (tmp_path / "runs" / "r" / "workspace" / "notes.txt").read_text() == "of the stage"
