"""The record of a run as it grows: pure steps from one record to the next, and its file."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from nb2pipe.runtime.config import Config
from nb2pipe.runtime.definition import Pipeline
from nb2pipe.runtime.lineage import git_state, versions
from nb2pipe.runtime.options import RunOptions
from nb2pipe.runtime.package import Package
from nb2pipe.runtime.record import DataVersion, ExitCode, GateRecord, RunRecord, StageRecord, StageResult, Status
from nb2pipe.runtime.record_json import read_record, write_record
from nb2pipe.runtime.trace import read_provenance

RUN_FILE = "run.json"


def new_record(
    run_id: str,
    pipeline: Pipeline,
    package: Package,
    options: RunOptions,
    config: Config,
    data: tuple[DataVersion, ...],
) -> RunRecord:
    """The record of a run that begins: every stage is pending."""
    commit, dirty = git_state(package.folder)
    return RunRecord(
        run_id=run_id,
        pipeline=pipeline.name,
        status=Status.RUNNING,
        exit_code=ExitCode.STAGE_FAILED,  # until it is known better: a run that was killed is no success
        trigger=options.trigger,
        experiment_id=options.experiment_id,
        environment=config.environment,
        started=now(),
        seconds=None,
        command=tuple(sys.argv),
        package=str(package.module_folder),
        versions=versions(package),
        commit=commit,
        dirty=dirty,
        notebook_digest=read_provenance(package).notebook_digest,
        config=config.values,
        data=data,
        stages=tuple(
            StageRecord(stage.name, stage.kind, Status.PENDING, inputs=stage.needs, cells=stage.cells)
            for stage in pipeline.stages
        ),
    )


def now() -> str:
    """This moment, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat()


def seconds_since(started: str) -> float:
    """Seconds between ``started`` and now."""
    return (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds()


def with_stage(record: RunRecord, stage: StageRecord) -> RunRecord:
    """The record with one stage renewed."""
    return replace(record, stages=tuple(stage if old.name == stage.name else old for old in record.stages))


def with_gates(record: RunRecord, gates: Iterable[GateRecord]) -> RunRecord:
    """The record with decisions added; a gate that decides again takes the place of its earlier decision."""
    new = {(gate.name, gate.kind, gate.stage): gate for gate in gates}
    kept = tuple(gate for gate in record.gates if (gate.name, gate.kind, gate.stage) not in new)
    return replace(record, gates=(*kept, *new.values()))


def with_metrics(record: RunRecord, results: Iterable[StageResult]) -> RunRecord:
    """The record with the metrics of all stages, in notebook order."""
    metrics = {name: value for result in results for name, value in result.metrics.items()}
    return replace(record, metrics=metrics)


def concluded(record: RunRecord, interrupted: str = "") -> RunRecord:
    """The record of a run that is over: what never began is marked, the status and exit code follow."""
    stages = tuple(
        replace(stage, status=Status.NOT_STARTED) if stage.status == Status.PENDING else stage
        for stage in record.stages
    )
    failed = [stage for stage in stages if stage.status == Status.FAILED]
    said_no = [gate for gate in record.gates if not gate.passed]
    parts = [f"stage {stage.name} failed: {_in_short(stage)}" for stage in failed]
    parts += [f"gate {gate.name} said no: {gate.message}" for gate in said_no]
    status, code = Status.DONE, ExitCode.DONE
    if failed or interrupted:
        status, code = Status.FAILED, ExitCode.STAGE_FAILED
    elif said_no:
        status, code = Status.STOPPED, ExitCode.GATE_SAID_NO
    return replace(
        record,
        status=status,
        exit_code=int(code),
        stages=stages,
        seconds=seconds_since(record.started),
        message=interrupted or "; ".join(parts),
    )


def failed_afterwards(record: RunRecord, problem: str) -> RunRecord:
    """The record of a run whose stages may be fine, but what comes after them is not."""
    return replace(
        record,
        status=Status.FAILED,
        exit_code=int(ExitCode.STAGE_FAILED),
        message="; ".join(part for part in (record.message, problem) if part),
    )


def save(record: RunRecord, run_dir: Path, *, durable: bool = True) -> None:
    """Write ``run.json``."""
    write_record(run_dir / RUN_FILE, record, durable=durable)


def load(run_dir: Path) -> RunRecord | None:
    """Read ``run.json``; ``None`` when there is none."""
    try:
        return read_record(RunRecord, run_dir / RUN_FILE)
    except FileNotFoundError:
        return None


def _in_short(stage: StageRecord) -> str:
    if stage.failure is None:
        return "for an unknown reason"
    first = stage.failure.message.strip().partition("\n")[0]
    return f"{stage.failure.type}: {first}" if first else stage.failure.type
