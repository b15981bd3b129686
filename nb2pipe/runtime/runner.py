"""A run: stages in their order, each in a process of its own, gates between them, a record of all of it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from nb2pipe.runtime import earlier, journal
from nb2pipe.runtime.definition import Pipeline
from nb2pipe.runtime.errors import Interrupted, RunError
from nb2pipe.runtime.finish import Tracking, finish
from nb2pipe.runtime.options import RunOptions
from nb2pipe.runtime.prepare import Prepared, gates_after, job_for, prepare
from nb2pipe.runtime.processes import ending_of, process_context, server, start, stop
from nb2pipe.runtime.progress import Reporter, reporter_for
from nb2pipe.runtime.record import ExitCode, FailureRecord, GateRecord, RunRecord, StageRecord, Status
from nb2pipe.runtime.record_json import read_record
from nb2pipe.runtime.scheduler import ready
from nb2pipe.runtime.worker import StageResult, result_path, work


def run(pipeline: Pipeline, options: RunOptions) -> int:
    """Run ``pipeline`` and give the exit code; what is wrong with the input is printed as one message."""
    return guarded(lambda: execute(pipeline, options, reporter_for(options.json)))


def execute(pipeline: Pipeline, options: RunOptions, reporter: Reporter) -> RunRecord:
    """Run ``pipeline``; gives the record. Raises ``RunError`` when nothing could be run."""
    with interruptible():
        prepared = prepare(pipeline, options)
        modules = ["nb2pipe.runtime.worker", f"{prepared.package.name}.pipeline"]
        with server(modules), Tracking(prepared) as tracking:
            reporter.run_started(prepared.record)
            stages = _Run(prepared, reporter)
            record = stages.execute(options.jobs)
            return finish(prepared, record, reporter, tracking, log=not stages.interrupted)


def guarded(action: Any) -> int:
    """Call ``action``, which gives a record; bad input becomes a message and exit code 2."""
    try:
        record: RunRecord = action()
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(ExitCode.BAD_INPUT)
    except (Interrupted, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        return int(ExitCode.STAGE_FAILED)
    return record.exit_code


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP raise ``Interrupted`` once; only possible in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.getsignal(number) for number in numbers}

    def heard(signum: int, _frame: Any) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise Interrupted(signum)

    for number in numbers:
        if before[number] is not signal.SIG_IGN:  # nohup stays nohup
            signal.signal(number, heard)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Run:
    """The stages of a run as they go. What comes after them is not its affair (see ``finish``)."""

    def __init__(self, prepared: Prepared, reporter: Reporter) -> None:
        self.prepared = prepared
        self.reporter = reporter
        self.record = prepared.record
        self.results = dict(prepared.results)
        self.running: dict[int, tuple[str, BaseProcess]] = {}
        self.interrupted = ""

    def execute(self, jobs: int) -> RunRecord:
        """Run all chosen stages that may run."""
        for name in earlier.in_order(self.prepared.pipeline, self.prepared.results):
            self._decide(name)  # a stage that is taken over may not carry bad results past its gate
        try:
            self._schedule(jobs)
        except (Interrupted, KeyboardInterrupt) as error:
            signum = error.signum if isinstance(error, Interrupted) else signal.SIGINT
            self._stop_all(f"stopped by {signal.Signals(signum).name}")
        except BaseException:
            self._stop_all("the runner failed")
            raise
        return journal.concluded(self.record, self.interrupted)

    def _schedule(self, jobs: int) -> None:
        context = process_context()
        begun: set[str] = set()
        chosen = self.prepared.chosen
        while True:
            if all(gate.passed for gate in self.record.gates):
                may_start = ready(self.prepared.pipeline, chosen, self.results, begun)
                for name in may_start[: jobs - len(self.running)]:
                    begun.add(name)
                    self._start(context, name)
            if not self.running:
                return
            ended = wait(list(self.running))
            for sentinel in [known for known in self.running if known in ended]:
                self._ended(*self.running.pop(sentinel))

    def _start(self, context: Any, name: str) -> None:
        job = job_for(self.prepared, name, self.results)
        result_path(self.prepared.run_dir, name).unlink(missing_ok=True)
        process = start(context, work, (job,), name)
        self.running[process.sentinel] = (name, process)
        stage = replace(self._stage(name), status=Status.RUNNING, started=journal.now())
        self._save(journal.with_stage(self.record, stage))
        self.reporter.stage_started(stage)

    def _ended(self, name: str, process: BaseProcess) -> None:
        process.join()
        stop(process)  # what it may have started and left behind
        result = self._result(name, process.exitcode)
        self._take(name, result)

    def _take(self, name: str, result: StageResult) -> None:
        if result.record.status == Status.DONE:
            self.results[name] = result
        record = journal.with_stage(self.record, result.record)
        order = earlier.in_order(self.prepared.pipeline, self.results)
        self._save(journal.with_metrics(record, (self.results[done] for done in order)))
        for gate in (gate for gate in result.gates if fell_before(gate)):
            self._announce(gate)
        self.reporter.stage_ended(result.record)
        for gate in (gate for gate in result.gates if not fell_before(gate)):
            self._announce(gate)
        if result.record.status == Status.DONE:
            self._decide(name)

    def _decide(self, name: str) -> None:
        for gate in gates_after(self.prepared, name, self.results):
            self._announce(gate)

    def _announce(self, gate: GateRecord) -> None:
        self._save(journal.with_gates(self.record, [gate]))
        self.reporter.gate_decided(gate)

    def _result(self, name: str, exit_code: int | None) -> StageResult:
        """What the stage's process left; when it left nothing, what its end says."""
        try:
            return read_record(StageResult, result_path(self.prepared.run_dir, name))
        except FileNotFoundError:
            pass
        log = f"logs/{name}.log"
        failure = FailureRecord(
            type="StageProcessDied",
            message=f"the stage's process {ending_of(exit_code)}",
            traceback=_tail(self.prepared.run_dir / log),
        )
        return StageResult(self._without_result(name, Status.FAILED, failure, log))

    def _without_result(self, name: str, status: Status, failure: FailureRecord | None, log: str | None) -> StageRecord:
        stage = self._stage(name)
        seconds = None if stage.started is None else journal.seconds_since(stage.started)
        there = log is not None and (self.prepared.run_dir / log).is_file()
        return replace(stage, status=status, seconds=seconds, failure=failure, log=log if there else None)

    def _stop_all(self, why: str) -> None:
        for name, process in self.running.values():
            stop(process)
            failure = FailureRecord(type="Interrupted", message=why)
            record = self._without_result(name, Status.FAILED, failure, f"logs/{name}.log")
            self._save(journal.with_stage(self.record, record))
            self.reporter.stage_ended(record)
        self.running.clear()
        self.interrupted = why

    def _stage(self, name: str) -> StageRecord:
        return next(stage for stage in self.record.stages if stage.name == name)

    def _save(self, record: RunRecord) -> None:
        self.record = record
        journal.save(record, self.prepared.run_dir)


def fell_before(gate: GateRecord) -> bool:
    """Whether this decision fell before the stage's code ran."""
    return gate.kind == "data_quality" and gate.place is None


def _tail(path: Path, most: int = 4000) -> str:
    """The end of a log."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - most))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
