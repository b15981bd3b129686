"""One stage by itself, in this process: what ``python -m <package> step <stage> --run-id <run>`` does.

The same code as in a whole run, so that a debugger, a container and a cluster see what the runner sees. What is
printed goes where this process prints.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from nb2pipe.runtime import earlier, journal
from nb2pipe.runtime.definition import Pipeline
from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.files import locked
from nb2pipe.runtime.finish import Tracking, finish
from nb2pipe.runtime.job import result_path
from nb2pipe.runtime.loading import definition_of
from nb2pipe.runtime.options import RunOptions, check_options
from nb2pipe.runtime.prepare import Prepared, gates_after, job_for, prepare_step
from nb2pipe.runtime.progress import JsonReporter, LineReporter, Reporter
from nb2pipe.runtime.record import ExitCode, RunRecord, StageRecord, StageResult, Status
from nb2pipe.runtime.record_json import write_record
from nb2pipe.runtime.runner import guarded, interruptible
from nb2pipe.runtime.scheduler import ancestors
from nb2pipe.runtime.worker import run_stage

LOCK = ".lock"


def step(pipeline: Pipeline, stage: str, options: RunOptions) -> int:
    """Run one stage of the run ``--run-id`` and give the exit code."""
    return guarded(lambda: execute_step(pipeline, stage, options, _reporter(options)))


def _reporter(options: RunOptions) -> Reporter:
    """Plain lines even in a terminal: a live table and a debugger do not go together."""
    return JsonReporter() if options.json else LineReporter()


def execute_step(pipeline: Pipeline, stage: str, options: RunOptions, reporter: Reporter) -> RunRecord:
    """Run one stage in this process; gives the run's record. The step that completes the run finishes it."""
    check_step(options)
    lock = options.output.resolve() / str(options.run_id) / LOCK
    with interruptible():
        with locked(lock):
            said_no = _said_no_before(pipeline, stage, lock.parent)
            if said_no is not None:
                return said_no
            prepared = prepare_step(definition_of(pipeline), stage, options)
            stopped = _stopped_by_gates(prepared, stage)
        if stopped is not None:
            return stopped
        reporter.run_started(prepared.record)
        reporter.stage_started(_stage_of(prepared.record, stage))
        result = run_stage(job_for(prepared, stage, prepared.results), pipeline)
        with locked(lock):
            return _recorded(prepared, stage, result, reporter)


def check_step(options: RunOptions) -> None:
    """Refuse a step without a run."""
    check_options(options)
    if options.run_id is None:
        raise RunError("a step belongs to a run: name it with --run-id (the first step makes it)")


def _said_no_before(pipeline: Pipeline, stage: str, run_dir: Path) -> RunRecord | None:
    """The record when a gate stopped a stage before this one: then there is nothing to go on from."""
    record = journal.load(run_dir)
    if record is None or stage not in {known.name for known in pipeline.stages}:
        return None
    before = ancestors(pipeline, stage)
    stopped = {known.name for known in record.stages if known.status == Status.STOPPED} & before
    gate = next((gate for gate in record.gates if not gate.passed and gate.stage in stopped), None)
    if gate is None:
        return None
    print(f"stage {stage} may not start: gate {gate.name} said no: {gate.message}", file=sys.stderr)
    return replace(record, exit_code=int(ExitCode.GATE_SAID_NO))


def _stopped_by_gates(prepared: Prepared, stage: str) -> RunRecord | None:
    """The record when a gate before this stage says no: the stage may not start."""
    before = earlier.in_order(prepared.pipeline, ancestors(prepared.pipeline, stage))
    gates = [gate for name in before for gate in gates_after(prepared, name, prepared.results)]
    said_no = [gate for gate in gates if not gate.passed]
    if not said_no:
        return None
    print(f"stage {stage} may not start: gate {said_no[0].name} said no: {said_no[0].message}", file=sys.stderr)
    record = journal.concluded(journal.with_gates(prepared.record, gates))
    journal.save(record, prepared.run_dir)
    return record


def _recorded(prepared: Prepared, stage: str, result: StageResult, reporter: Reporter) -> RunRecord:
    """The run's record with this stage in it; other steps may have gone on in the meantime."""
    write_record(result_path(prepared.run_dir, stage), result)
    pipeline = prepared.pipeline
    results = earlier.results_of(prepared.run_dir, {known.name for known in pipeline.stages})
    gates = [*result.gates, *(gates_after(prepared, stage, results) if stage in results else ())]
    record = journal.load(prepared.run_dir) or prepared.record
    for done in results.values():
        record = journal.with_stage(record, done.record)
    record = journal.with_gates(journal.with_stage(record, result.record), gates)
    record = journal.with_metrics(record, (results[name] for name in earlier.in_order(pipeline, results)))
    reporter.stage_ended(result.record)
    for gate in gates:
        reporter.gate_decided(gate)
    if all(gate.passed for gate in gates) and stage in results and len(results) < len(pipeline.stages):
        record = replace(record, status=Status.RUNNING, exit_code=int(ExitCode.DONE))
        journal.save(record, prepared.run_dir)
        return record
    record = journal.concluded(record)
    if len(results) == len(pipeline.stages):
        with Tracking() as tracking:
            return finish(prepared, record, reporter, tracking)
    journal.save(record, prepared.run_dir)
    reporter.run_ended(record, prepared.run_dir)
    return record


def _stage_of(record: RunRecord, name: str) -> StageRecord:
    found = next(stage for stage in record.stages if stage.name == name)
    return replace(found, status=Status.RUNNING, started=journal.now())
