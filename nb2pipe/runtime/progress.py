"""What people and scripts see while a run goes: a live table, plain lines, or one JSON document."""

from __future__ import annotations

import atexit
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from nb2pipe.runtime import words
from nb2pipe.runtime.record import FailureRecord, GateRecord, RunRecord, StageRecord, Status
from nb2pipe.runtime.record_json import to_json

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

STYLES = {
    Status.RUNNING: "bold cyan",
    Status.DONE: "green",
    Status.FAILED: "bold red",
    Status.STOPPED: "bold yellow",
}


class Reporter(Protocol):
    """Told of everything as it happens. Progress goes to stderr, results to stdout."""

    def run_started(self, record: RunRecord) -> None:
        """The run begins; every stage of ``record`` is pending."""

    def stage_started(self, stage: StageRecord) -> None:
        """A stage's process was started."""

    def stage_ended(self, stage: StageRecord) -> None:
        """A stage is done, failed, stopped or will not start."""

    def gate_decided(self, gate: GateRecord) -> None:
        """A gate said yes or no."""

    def run_ended(self, record: RunRecord, run_dir: Path) -> None:
        """The run is over and all its files are written."""


def reporter_for(json: bool) -> Reporter:
    """The reporter for where stderr goes, or the one whose result is a JSON document."""
    if json:
        return JsonReporter()
    live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")
    return LiveReporter() if live else LineReporter()


class LineReporter:
    """One line per event and no escape sequences: for pipes, log files and CI."""

    def __init__(self) -> None:
        self._width = 0

    def run_started(self, record: RunRecord) -> None:
        names = [stage.name for stage in record.stages] + [f"gate {gate.name}" for gate in record.gates]
        self._width = max(map(len, names), default=0)
        _say(f"{record.pipeline}: run {record.run_id}, {len(record.stages)} stages")

    def stage_started(self, stage: StageRecord) -> None:
        self._line(stage.name, "started")

    def stage_ended(self, stage: StageRecord) -> None:
        if stage.cached_from is not None:
            self._line(stage.name, f"cached, from run {stage.cached_from}")
            return
        known = stage.seconds is not None
        costs = f"  {words.duration(stage.seconds)}  {words.size(stage.peak_memory)}" if known else ""
        self._line(stage.name, f"{stage.status}{costs}")
        if stage.failure is not None:
            _say(*failure_lines(stage.failure))

    def gate_decided(self, gate: GateRecord) -> None:
        self._line(f"gate {gate.name}", f"{words.decision(gate)}: {gate.message}")
        if not gate.passed:
            _say(*gate_lines(gate))

    def run_ended(self, record: RunRecord, run_dir: Path) -> None:
        _end(record, run_dir)

    def _line(self, name: str, text: str) -> None:
        _say(f"  {name:<{self._width}}  {text}")


class JsonReporter(LineReporter):
    """Lines on stderr as they come; on stdout one JSON document in each line.

    Each has an ``event``; the last, ``run_ended``, is the record with the run's folder and the report.
    """

    def run_started(self, record: RunRecord) -> None:
        super().run_started(record)
        stages = [stage.name for stage in record.stages]
        _event("run_started", {"run_id": record.run_id, "pipeline": record.pipeline, "stages": stages})

    def stage_started(self, stage: StageRecord) -> None:
        super().stage_started(stage)
        _event("stage_started", {"stage": stage.name, "started": stage.started, "reason": stage.reason})

    def stage_ended(self, stage: StageRecord) -> None:
        super().stage_ended(stage)
        _event("stage_ended", {"stage": stage.name, **json.loads(to_json(stage))})

    def gate_decided(self, gate: GateRecord) -> None:
        super().gate_decided(gate)
        _event("gate_decided", json.loads(to_json(gate)))

    def run_ended(self, record: RunRecord, run_dir: Path) -> None:
        report = run_dir / "report.html"
        more = {"run_dir": str(run_dir), "report": str(report) if report.is_file() else None}
        _event("run_ended", json.loads(to_json(record)) | more)


class LiveReporter:
    """A table that is redrawn in place: for terminals."""

    def __init__(self) -> None:
        self._stages: dict[str, StageRecord] = {}
        self._gates: list[GateRecord] = []
        self._begun: dict[str, float] = {}
        self._title = ""
        self._live: Live | None = None

    def run_started(self, record: RunRecord) -> None:
        from rich.console import Console
        from rich.live import Live

        self._title = f"{record.pipeline}: run {record.run_id}"
        self._stages = {stage.name: stage for stage in record.stages}
        self._live = Live(get_renderable=self._table, console=Console(stderr=True), refresh_per_second=8)
        atexit.register(self._live.stop)  # an interrupt must not leave the terminal without a cursor
        self._live.start(refresh=True)

    def stage_started(self, stage: StageRecord) -> None:
        self._begun[stage.name] = time.monotonic()
        self._stages[stage.name] = stage

    def stage_ended(self, stage: StageRecord) -> None:
        self._stages[stage.name] = stage

    def gate_decided(self, gate: GateRecord) -> None:
        self._gates.append(gate)

    def run_ended(self, record: RunRecord, run_dir: Path) -> None:
        self._stages.update({stage.name: stage for stage in record.stages})
        self._begun.clear()
        if self._live is not None:
            self._live.stop()
            atexit.unregister(self._live.stop)
        for stage in record.stages:
            if stage.failure is not None:
                _say("", f"{stage.name} failed", *failure_lines(stage.failure))
        for gate in record.gates:
            if not gate.passed:
                _say("", f"gate {gate.name} said no: {gate.message}", *gate_lines(gate))
        _end(record, run_dir)

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, title=Text(self._title), title_justify="left", title_style="bold", pad_edge=False)
        table.add_column("stage", no_wrap=True)
        table.add_column("state")
        table.add_column("time", justify="right", no_wrap=True)
        table.add_column("memory", justify="right", no_wrap=True)
        for stage in self._stages.values():
            status = "cached" if stage.cached_from else str(stage.status)
            state = Text(status, style=STYLES.get(stage.status, "dim"))
            table.add_row(Text(stage.name), state, words.duration(self._seconds(stage)), words.size(stage.peak_memory))
        for gate in self._gates:
            state = Text(words.decision(gate), style="green" if gate.passed else STYLES[Status.STOPPED])
            table.add_row(Text(f"gate {gate.name}"), state, "", "")
        return table

    def _seconds(self, stage: StageRecord) -> float | None:
        if stage.status == Status.RUNNING and stage.name in self._begun:
            return time.monotonic() - self._begun[stage.name]
        return stage.seconds


def _event(name: str, content: dict[str, Any]) -> None:
    print(json.dumps({"event": name, **content}, ensure_ascii=False), flush=True)


def failure_lines(failure: FailureRecord) -> Iterator[str]:
    """The exception, then each place that it came through: notebook, package, code."""
    first, *more = failure.message.splitlines() or [""]
    yield f"    {failure.type}: {first}" if first else f"    {failure.type}"
    yield from (f"      {line}" for line in more)
    for where in failure.trace:
        yield f"    {words.place(where)}"
        if where.code.strip():
            yield f"        {where.code.strip()}"


def gate_lines(gate: GateRecord) -> Iterator[str]:
    """The evidence of a gate that said no: its failed checks as a table, and the rows that fell short."""
    if gate.place is not None:
        yield f"    {words.place(gate.place)}"
        yield f"        {gate.place.code.strip()}"
        return
    failed = [check for check in gate.checks if not check.passed]
    rows = [("check", "asked", "seen"), *((check.subject, check.rule, check.observed) for check in failed)]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    listed = [(), *(check.failing_rows for check in failed)]
    for row, failing in zip(rows, listed, strict=True):
        yield f"    {row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip()
        if failing:
            yield f"      rows: {', '.join(failing)}"


def result_lines(record: RunRecord, run_dir: Path) -> Iterator[str]:
    """The result for people: how it ended and where everything is."""
    yield f"status    {record.status}"
    for label, file in (("report", run_dir / "report.html"), ("record", run_dir / "run.json")):
        if file.is_file():
            yield f"{label:<8}  {words.path(file)}"
    if record.tracking_uri:
        yield f"tracking  {record.tracking_uri}"
    if record.model:
        yield f"model     {words.model(record.model)}"


def _end(record: RunRecord, run_dir: Path) -> None:
    _say("", words.sentence(record))
    told = any(stage.failure for stage in record.stages) or any(not gate.passed for gate in record.gates)
    if record.message and not told:
        _say(record.message)
    _say(*result_lines(record, run_dir), to=sys.stdout)


def _say(*lines: str, to: TextIO | None = None) -> None:
    print(*lines, sep="\n", file=to or sys.stderr, flush=True)
