"""What is printed, where, and when."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nb2pipe.runtime.progress import JsonReporter, LineReporter, LiveReporter, Reporter, reporter_for
from nb2pipe.runtime.record import (
    CheckRecord,
    FailureRecord,
    GateRecord,
    ModelVersion,
    RunRecord,
    SourcePlace,
    StageRecord,
    Status,
)

PENDING = StageRecord("train", "train", Status.PENDING)
DONE = replace(PENDING, status=Status.DONE, seconds=12.34, peak_memory=412_000_000)
FAILED = replace(
    DONE,
    status=Status.FAILED,
    failure=FailureRecord(
        "ValueError", "no rows", (SourcePlace("flights/stages/train.py", 31, "    model.fit(X)", 14, 3),)
    ),
)
NO = GateRecord(
    "quality",
    "data_quality",
    "train",
    False,
    "flights.month: 1 row",
    (
        CheckRecord("flights.month", "in_range(1, 12)", False, "1 of 9 rows", ("17 (13)",), 1),
        CheckRecord("flights.day", "not null", True, "9 rows"),
    ),
)
RECORD = RunRecord(
    run_id="run-1",
    pipeline="flights",
    status=Status.DONE,
    exit_code=0,
    trigger="manual",
    experiment_id=None,
    environment=None,
    started="2026-01-01T10:00:00+00:00",
    seconds=13.0,
    command=("run",),
    versions={},
    commit=None,
    dirty=None,
    notebook_digest=None,
    config={},
    stages=(PENDING,),
    metrics={"auc": float("nan")},
    tracking_uri="sqlite:///m.db",
    model=ModelVersion("flights", "3", "challenger", "models:/flights/3", "sqlite:///m.db", "r"),
)


def play(reporter: Reporter, stage: StageRecord, run_dir: Path, gate: GateRecord | None = None) -> None:
    reporter.run_started(RECORD)
    reporter.stage_started(replace(stage, status=Status.RUNNING, seconds=None, failure=None))
    reporter.stage_ended(stage)
    gates = () if gate is None else (gate,)
    for decided in gates:
        reporter.gate_decided(decided)
    status = Status.STOPPED if gates else stage.status
    reporter.run_ended(replace(RECORD, status=status, stages=(stage,), gates=gates), run_dir)


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "runs" / "run-1"
    folder.mkdir(parents=True)
    (folder / "report.html").touch()
    (folder / "run.json").touch()
    monkeypatch.chdir(tmp_path)
    return folder


def test_progress_goes_to_stderr_and_the_result_to_stdout(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play(LineReporter(), DONE, run_dir)
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "flights: run run-1, 1 stages",
        "  train  started",
        "  train  done  12.3 s  412 MB",
        "",
        "All of 1 stage done in 13.0 s.",
    ]
    assert out.splitlines() == [
        "status    done",
        "report    runs/run-1/report.html",
        "record    runs/run-1/run.json",
        "tracking  sqlite:///m.db",
        "model     flights version 3 (challenger)",
    ]


def test_a_failure_names_the_cell_and_the_line(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play(LineReporter(), FAILED, run_dir)
    assert capsys.readouterr().err.splitlines()[3:6] == [
        "    ValueError: no rows",
        "    cell 14, line 3  (flights/stages/train.py:31)",
        "        model.fit(X)",
    ]


def test_a_gate_that_said_no_shows_what_failed_and_only_that(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play(LineReporter(), DONE, run_dir, NO)
    assert capsys.readouterr().err.splitlines()[3:7] == [
        "  gate quality  said no: flights.month: 1 row",
        "    check          asked            seen",
        "    flights.month  in_range(1, 12)  1 of 9 rows",
        "      rows: 17 (13)",
    ]


def test_json_is_one_event_a_line_on_stdout(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play(JsonReporter(), DONE, run_dir)
    out, err = capsys.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events][:2] == ["run_started", "stage_started"]
    document = events[-1]
    assert document["event"] == "run_ended"
    assert (document["status"], document["run_dir"]) == ("done", str(run_dir))
    assert document["report"] == str(run_dir / "report.html")
    assert document["metrics"] == {"auc": "NaN"}
    assert "train  done" in err


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("json", "terminal", "environment", "expected"),
    [
        (False, True, {}, LiveReporter),
        (False, False, {}, LineReporter),
        (True, True, {}, JsonReporter),
        (False, True, {"CI": "true"}, LineReporter),
        (False, True, {"TERM": "dumb"}, LineReporter),
    ],
)
def test_the_reporter_fits_the_place(
    json: bool, terminal: bool, environment: dict[str, str], expected: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", Terminal() if terminal else io.StringIO())
    assert type(reporter_for(json)) is expected


def test_the_live_view_ends_with_every_state_and_the_failure(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stderr", terminal)
    play(LiveReporter(), FAILED, run_dir, NO)
    text = terminal.getvalue()
    assert "\x1b[3" not in text  # no colours
    for expected in ("failed", "412 MB", "gate quality", "said no", "cell 14, line 3", "rows: 17 (13)"):
        assert expected in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is there again
