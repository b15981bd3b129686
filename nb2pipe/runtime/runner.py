"""A run: stages in their order, each in a process of its own, gates between them, a record of all of it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nb2pipe.runtime import cache, earlier, journal, workspace
from nb2pipe.runtime.again import leave_memo, run_again
from nb2pipe.runtime.definition import Pipeline
from nb2pipe.runtime.errors import Interrupted, RunError, StorageError
from nb2pipe.runtime.files import Disk, write_atomically
from nb2pipe.runtime.finish import Tracking, finish
from nb2pipe.runtime.ingredients import ingredients_of, key_of
from nb2pipe.runtime.job import result_path
from nb2pipe.runtime.libraries import versions_of
from nb2pipe.runtime.loading import Definition, definition_of
from nb2pipe.runtime.options import RunOptions, new_run_id
from nb2pipe.runtime.package import find_package
from nb2pipe.runtime.prepare import Prepared, gates_after, job_for, only_one, outputs_of, prepare, random_state_before
from nb2pipe.runtime.processes import ending_of
from nb2pipe.runtime.progress import Reporter, reporter_for
from nb2pipe.runtime.record import ExitCode, FailureRecord, GateRecord, RunRecord, StageRecord, StageResult, Status
from nb2pipe.runtime.record_json import read_record, write_record
from nb2pipe.runtime.scheduler import Frontier, Machine, fits, seconds_before_retry
from nb2pipe.runtime.server import Ended
from nb2pipe.runtime.workers import Workers, default_isolation

SAVE_SECONDS = 1.0


def run(pipeline: Pipeline, options: RunOptions) -> int:
    """Run ``pipeline`` and give the exit code; what is wrong with the input is printed as one message."""
    return guarded(lambda: _explained(execute(pipeline, options, reporter_for(options.json)), options.why))


def run_package(path: Path, options: RunOptions) -> int:
    """Run the package in the folder ``path``, which this process does not import, and give the exit code."""
    return guarded(lambda: _explained(execute_package(path, options, reporter_for(options.json)), options.why))


def _explained(record: RunRecord, why: str | None) -> RunRecord:
    """Say why a stage ran, or why it did not have to."""
    for stage in record.stages if why is not None else ():
        if stage.name == why:
            verb = "was not run again" if stage.cached_from else str(stage.status)
            reason = stage.reason or "a stage before it did not come to its end"
            print(f"{stage.name} ({verb}): {reason}", file=sys.stderr)
    return record


def execute(pipeline: Pipeline, options: RunOptions, reporter: Reporter) -> RunRecord:
    """Run ``pipeline``; gives the record. Raises ``RunError`` when nothing could be run."""
    return _execute(
        lambda _: definition_of(pipeline), Path(pipeline.stages[0].module.partition(".")[0]), options, reporter
    )


def execute_package(path: Path, options: RunOptions, reporter: Reporter) -> RunRecord:
    """Run the package in the folder ``path``; gives the record. Raises ``RunError`` when nothing could be run."""
    module_folder = find_package(path)
    with interruptible():
        if (record := run_again(module_folder, options, reporter)) is not None:
            return record
    return _execute(lambda workers: workers.loaded(), module_folder, options, reporter)


def _execute(
    definition: Callable[[Workers], Definition], module_folder: Path, options: RunOptions, reporter: Reporter
) -> RunRecord:
    options = replace(options, run_id=new_run_id() if options.run_id is None else options.run_id)
    with interruptible(), only_one(options):
        workers = Workers(options.isolation or default_isolation(), ("nb2pipe.runtime.loading:load", (module_folder,)))
        try:
            with Tracking() as tracking:
                if options.tracking:
                    tracking.get_ready()
                prepared = prepare(definition(workers), options)
                return _run_stages(prepared, workers, tracking, reporter)
        finally:
            workers.close()


def _run_stages(prepared: Prepared, workers: Workers, tracking: Tracking, reporter: Reporter) -> RunRecord:
    reporter.run_started(prepared.record)
    stages = _Run(prepared, reporter, workers, tracking)
    record = stages.execute(prepared.options.jobs)
    record = finish(prepared, record, reporter, tracking, log=prepared.options.tracking and not stages.interrupted)
    leave_memo(prepared, record, stages.results)
    return record


def guarded(action: Callable[[], RunRecord]) -> int:
    """Call ``action``; bad input becomes a message and exit code 2."""
    try:
        return action().exit_code
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(ExitCode.BAD_INPUT)
    except StorageError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(ExitCode.STAGE_FAILED)
    except (Interrupted, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        return int(ExitCode.STAGE_FAILED)


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


@dataclass
class _Running:
    """A stage whose process runs."""

    name: str
    attempt: int
    deadline: float | None
    beside: bool = False  # whether another stage ran at the same time
    late: bool = False


@dataclass
class _Run:
    """The stages of a run as they go. What comes after them is not its affair (see ``finish``)."""

    prepared: Prepared
    reporter: Reporter
    workers: Workers
    tracking: Tracking
    record: RunRecord = field(init=False)
    stages: dict[str, StageRecord] = field(init=False)
    results: dict[str, StageResult] = field(init=False)
    running: dict[str, _Running] = field(default_factory=dict)
    frontier: Frontier = field(init=False)
    again: dict[str, tuple[float, int]] = field(default_factory=dict)  # stage -> when to try again, attempt
    ingredients: dict[str, dict[str, str]] = field(default_factory=dict)
    interrupted: str = ""
    saved: float = 0.0
    pause: float = SAVE_SECONDS

    def __post_init__(self) -> None:
        self.record = self.prepared.record
        self.stages = {stage.name: stage for stage in self.record.stages}
        self.results = dict(self.prepared.results)
        self.last = cache.remembered(self.prepared.store, self.prepared.pipeline.name)
        self.machine = Machine.here()
        self.frontier = Frontier(self.prepared.pipeline, self.prepared.chosen, self.results)
        self.disk = Disk()

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
        seen = {name: result.ingredients for name, result in self.results.items() if result.ingredients}
        cache.remember(self.prepared.store, self.prepared.pipeline.name, self.last | seen)
        self.disk.wait()
        return journal.concluded(self._whole(), self.interrupted)

    def _schedule(self, jobs: int) -> None:
        while True:
            self._start_what_may(jobs)
            if not self.running and not self.again:
                return
            ended = self.workers.next(self._patience())
            if ended is not None and ended.token in self.running:
                self._ended(ended)
            elif ended is not None and not ended.token:
                self._server_gone(ended)
            self._end_late()

    def _patience(self) -> float | None:
        """Seconds until something must be done that no process announces."""
        times = [running.deadline for running in self.running.values() if running.deadline is not None]
        times += [when for when, _ in self.again.values()]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _start_what_may(self, jobs: int) -> None:
        found = True
        while found and all(gate.passed for gate in self.record.gates):
            found = False
            now = time.monotonic()
            waiting = [name for name, (when, _) in self.again.items() if when <= now]
            for name in [*waiting, *self.frontier.names()]:
                if name not in waiting and self._reuse(name):
                    found = True  # what follows it may be ready now
                    break
                busy = [self.prepared.pipeline.stage(running.name) for running in self.running.values()]
                if len(busy) < jobs and fits(self.prepared.pipeline.stage(name), busy, self.machine):
                    self._start(name)
        if self.again and not all(gate.passed for gate in self.record.gates):
            self.again.clear()

    def _reuse(self, name: str) -> bool:
        """Take a stage's result from the cache, if it holds."""
        prepared, options = self.prepared, self.prepared.options
        stage = prepared.pipeline.stage(name)
        libraries = versions_of(prepared.definition.code.libraries.get(name, ()))
        state = random_state_before(prepared, name, self.results)
        arguments = prepared.config.arguments[name]
        now = ingredients_of(
            prepared.definition, stage, arguments, outputs_of(self.results, stage.needs), state, libraries
        )
        self.ingredients[name] = now
        if options.fresh or options.only or options.from_stage or not stage.cache:
            reason = "--fresh" if options.fresh else "asked for" if stage.cache else "its results are never used again"
            self._with(replace(self._stage(name), reason=reason))
            return False
        found = cache.look_up(prepared.store, key_of(now), prepared.mirror, prepared.digests)
        if isinstance(found, cache.Miss):
            reason = cache.why(found, self.last.get(name), now)
            self._with(replace(self._stage(name), reason=reason))
            return False
        self.frontier.begun(name)
        self._take_over(name, found.result)
        return True

    def _take_over(self, name: str, kept: StageResult) -> None:
        prepared = self.prepared
        for path, digest in kept.files.items():
            write_atomically(prepared.run_dir / path, [prepared.store.get(digest)], durable=False)
        workspace.replay(prepared.store, prepared.mirror, kept.changes)
        record = cache.reused(kept, self._stage(name).cells)
        result = replace(kept, record=record)
        write_record(result_path(prepared.run_dir, name), result, durable=False)
        self._take(name, result)

    def _start(self, name: str) -> None:
        if self.prepared.options.tracking:
            self.tracking.begin(self.prepared)
        attempt = self.again.pop(name, (0.0, 1))[1]
        if attempt == 1:
            self.frontier.begun(name)
        stage = self.prepared.pipeline.stage(name)
        token = f"{name} {attempt}"
        job = job_for(self.prepared, name, self.results, self.ingredients[name])
        result_path(self.prepared.run_dir, name).unlink(missing_ok=True)
        deadline = None if stage.timeout is None else time.monotonic() + stage.timeout
        self.running[token] = _Running(name, attempt, deadline, beside=bool(self.running))
        for other in self.running.values():
            other.beside = other.beside or len(self.running) > 1
        self.workers.start(token, "nb2pipe.runtime.worker:work", (job,))
        record = replace(self._stage(name), status=Status.RUNNING, started=journal.now(), attempts=attempt)
        self._with(record)
        self._save(self.record)
        self.reporter.stage_started(record)

    def _end_late(self) -> None:
        now = time.monotonic()
        for token, running in self.running.items():
            if running.deadline is not None and running.deadline <= now:
                running.late, running.deadline = True, None
                self.workers.end(token)

    def _ended(self, ended: Ended) -> None:
        running = self.running.pop(ended.token)
        stage = self.prepared.pipeline.stage(running.name)
        result, passing = self._result(running, ended.exit_code)
        result = replace(result, record=replace(result.record, attempts=running.attempt))
        if passing and running.attempt <= stage.retries:
            wait = seconds_before_retry(running.attempt)
            self.again[running.name] = (time.monotonic() + wait, running.attempt + 1)
            self.reporter.stage_ended(replace(result.record, reason=f"is tried again in {wait:g} s"))
            return
        if result.record.status == Status.DONE and result.key and not (running.beside and result.changes):
            cache.keep(self.prepared.store, result, result_path(self.prepared.run_dir, running.name))
        if result.record.status == Status.DONE:
            self.disk.sync(cache.files_of(self.prepared.store, result))
            self.disk.sync([result_path(self.prepared.run_dir, running.name)])
        self._take(running.name, result)

    def _take(self, name: str, result: StageResult) -> None:
        result = replace(result, record=replace(result.record, reason=result.record.reason or self._stage(name).reason))
        if result.record.status == Status.DONE:
            self.results[name] = result
            self.frontier.done(name)
        self._with(result.record)
        record = self.record
        if result.metrics:
            order = earlier.in_order(self.prepared.pipeline, self.results)
            record = journal.with_metrics(record, (self.results[done] for done in order))
        self._save(record, at_once=result.record.status != Status.DONE)
        for gate in (gate for gate in result.gates if fell_before(gate)):
            self._announce(gate)
        self.reporter.stage_ended(result.record)
        for gate in (gate for gate in result.gates if not fell_before(gate)):
            self._announce(gate)
        if result.record.status == Status.DONE:
            registration = self.prepared.pipeline.registration
            if registration is not None and registration.model.partition(".")[0] == name:
                self.tracking.model_made(self._whole())
            self._decide(name)

    def _decide(self, name: str) -> None:
        for gate in gates_after(self.prepared, name, self.results):
            self._announce(gate)

    def _announce(self, gate: GateRecord) -> None:
        self._save(journal.with_gates(self.record, [gate]), at_once=True)
        self.reporter.gate_decided(gate)

    def _result(self, running: _Running, exit_code: int | None) -> tuple[StageResult, bool]:
        """What the stage's process left, and whether it may succeed another time; else what its end says."""
        name, log = running.name, f"logs/{running.name}.log"
        if running.late:
            stage = self.prepared.pipeline.stage(name)
            failure = FailureRecord("StageTimeout", f"the stage took longer than its timeout of {stage.timeout:g} s")
            return StageResult(self._without_result(name, Status.FAILED, failure, log)), False
        try:
            result = read_record(StageResult, result_path(self.prepared.run_dir, name))
        except FileNotFoundError:
            failure = FailureRecord(
                type="StageProcessDied",
                message=f"the stage's process {ending_of(exit_code)}",
                traceback=_tail(self.prepared.run_dir / log),
            )
            return StageResult(self._without_result(name, Status.FAILED, failure, log)), False
        failure = result.record.failure or FailureRecord("", "")
        return result, result.record.status == Status.FAILED and failure.transient

    def _without_result(self, name: str, status: Status, failure: FailureRecord | None, log: str | None) -> StageRecord:
        stage = self._stage(name)
        seconds = None if stage.started is None else journal.seconds_since(stage.started)
        there = log is not None and (self.prepared.run_dir / log).is_file()
        return replace(stage, status=status, seconds=seconds, failure=failure, log=log if there else None)

    def _server_gone(self, ended: Ended) -> None:
        """Without the process that stages come from nothing can go on."""
        if self.prepared.options.isolation != "spawn":
            for token in list(self.running):
                self._ended(Ended(token, ended.exit_code))
            raise RunError(f"the process that imports the package {ending_of(ended.exit_code)}; try --isolation spawn")

    def _stop_all(self, why: str) -> None:
        for token, running in self.running.items():
            self.workers.end(token)
            failure = FailureRecord(type="Interrupted", message=why)
            record = self._without_result(running.name, Status.FAILED, failure, f"logs/{running.name}.log")
            self._with(record)
            self._save(self.record, at_once=True)
            self.reporter.stage_ended(record)
        self.running.clear()
        self.interrupted = why

    def _stage(self, name: str) -> StageRecord:
        return self.stages[name]

    def _whole(self) -> RunRecord:
        """The record with all stages as they are."""
        return replace(self.record, stages=tuple(self.stages.values()))

    def _with(self, stage: StageRecord) -> None:
        """Keep a stage's record."""
        self.stages[stage.name] = stage

    def _save(self, record: RunRecord, *, at_once: bool = False) -> None:
        """Keep the record; on the disk it may be a second behind, because stages keep their own results."""
        self.record = record
        if at_once or time.monotonic() - self.saved > self.pause:
            begun = time.monotonic()
            journal.save(self._whole(), self.prepared.run_dir, durable=at_once)
            self.saved = time.monotonic()
            self.pause = max(SAVE_SECONDS, 20 * (self.saved - begun))


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
