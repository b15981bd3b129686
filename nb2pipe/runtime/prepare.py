"""What must be right before the first stage starts: definition, config, data, folders."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from nb2pipe.runtime import earlier, journal
from nb2pipe.runtime.config import Config, read_config
from nb2pipe.runtime.definition import DataQuality, Evaluation, Pipeline
from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.options import RunOptions, check_options, new_run_id
from nb2pipe.runtime.package import Package, package_of
from nb2pipe.runtime.record import ArtifactRecord, GateRecord, RunRecord
from nb2pipe.runtime.scheduler import ancestors, check_graph, chosen_stages, descendants
from nb2pipe.runtime.store import Store
from nb2pipe.runtime.worker import Job, StageResult
from nb2pipe.runtime.workspace import bring_files, make_workspace

STORE = ".nb2pipe"


@dataclass(frozen=True)
class Prepared:
    """A run that may start.

    Attributes:
        chosen: the stages that will run.
        results: those taken from an earlier run.
    """

    pipeline: Pipeline
    package: Package
    config: Config
    run_dir: Path
    store_dir: Path
    workspace: Path
    chosen: frozenset[str]
    results: dict[str, StageResult]
    record: RunRecord


def prepare(pipeline: Pipeline, options: RunOptions) -> Prepared:
    """Check everything and make the run's folder; raises ``RunError`` before anything has run."""
    check_options(options)
    check_graph(pipeline)
    chosen = chosen_stages(pipeline, options.only, options.from_stage)
    needed = frozenset[str]().union(*(ancestors(pipeline, name) for name in chosen)) - chosen
    output = options.output.resolve()
    run_dir = output / (options.run_id or new_run_id())
    again = run_dir.exists()
    if again and not (options.only or options.from_stage):
        raise RunError(f"the run {run_dir.name} exists already in {options.output}: choose another --run-id")
    asked_by = f"--only {options.only}" if options.only else f"--from {options.from_stage}"
    source = run_dir if again else earlier.latest_run(output, pipeline, needed, asked_by) if needed else None
    if source is not None and options.from_stage:
        names = {stage.name for stage in pipeline.stages}
        chosen |= names - needed - set(earlier.results_of(source, names))  # what that run did not come to
    return _prepare(pipeline, options, chosen, needed, run_dir, source)


def prepare_step(pipeline: Pipeline, stage: str, options: RunOptions) -> Prepared:
    """The same for one stage of the run ``--run-id``, which is made when it does not exist."""
    check_options(options)
    check_graph(pipeline)
    chosen = chosen_stages(pipeline, stage, None)
    run_dir = options.output.resolve() / str(options.run_id)
    return _prepare(pipeline, options, chosen, ancestors(pipeline, stage), run_dir, run_dir)


def job_for(prepared: Prepared, name: str, results: dict[str, StageResult]) -> Job:
    """What the stage's process must be told."""
    stage = prepared.pipeline.stage(name)
    records = {artifact.name: artifact for result in results.values() for artifact in result.record.outputs}
    mine = [gate for gate in prepared.pipeline.gates if isinstance(gate, DataQuality) and gate.before == name]
    wanted = [*stage.needs, *(artifact for gate in mine for artifact in gate.schemas)]
    state = results[stage.random_state].record.random_state if stage.random_state is not None else None
    if stage.random_state is not None and state is None:
        raise RunError(f"pipeline.py: stage {name} continues {stage.random_state}'s random numbers, but it saves none")
    return Job(
        module=prepared.package.name,
        stage=name,
        run_dir=prepared.run_dir,
        workspace=prepared.workspace,
        store=prepared.store_dir,
        arguments=prepared.config.arguments[name],
        artifacts=artifacts_with_graphs(records, wanted),
        random_state=state,
    )


def artifacts_with_graphs(records: dict[str, ArtifactRecord], wanted: Iterable[str]) -> tuple[ArtifactRecord, ...]:
    """The records of ``wanted``, each once; a name that nobody stored is left out."""
    return tuple(records[name] for name in dict.fromkeys(wanted) if name in records)


def gates_after(prepared: Prepared, name: str, results: dict[str, StageResult]) -> list[GateRecord]:
    """The decisions of the evaluation gates after stage ``name``, on the metrics up to there."""
    from nb2pipe.runtime.gates import check_metrics

    order = earlier.in_order(prepared.pipeline, ancestors(prepared.pipeline, name) | {name})
    metrics = {key: value for stage in order if stage in results for key, value in results[stage].metrics.items()}
    return [
        check_metrics(gate, prepared.config.thresholds[gate.thresholds], metrics)
        for gate in prepared.pipeline.gates
        if isinstance(gate, Evaluation) and gate.after == name
    ]


def _prepare(
    pipeline: Pipeline,
    options: RunOptions,
    chosen: frozenset[str],
    needed: Collection[str],
    run_dir: Path,
    source: Path | None,
) -> Prepared:
    package = package_of(pipeline)
    config = read_config(pipeline, package, options, stages=chosen)
    output = run_dir.parent
    results = _taken(pipeline, source, run_dir, set(needed))
    _make_folder(run_dir, options)
    workspace, data = make_workspace(run_dir, pipeline, package, config, options.data, output)
    before = journal.load(run_dir)
    if before is not None and before.pipeline != pipeline.name:
        raise RunError(f"the run {run_dir.name} belongs to pipeline {before.pipeline}, not {pipeline.name}")
    stale = chosen.union(*(descendants(pipeline, name) for name in chosen))
    if source is not None:
        results |= earlier.results_of(source, {stage.name for stage in pipeline.stages} - stale)
        if source == run_dir:
            earlier.forget_results(run_dir, stale)
        else:
            earlier.copy_results(source, run_dir, results)
            bring_files(source / "workspace", run_dir / "workspace")
    record = replace(_record(pipeline, package, options, config, run_dir, before, results), data=data)
    store = Store(output / STORE)
    store.clean()
    journal.save(record, run_dir)
    return Prepared(pipeline, package, config, run_dir, store.folder, workspace, chosen, results, record)


def _record(
    pipeline: Pipeline,
    package: Package,
    options: RunOptions,
    config: Config,
    run_dir: Path,
    before: RunRecord | None,
    results: dict[str, StageResult],
) -> RunRecord:
    """A new record, with what is taken from earlier; a run that goes on keeps when and why it began."""
    record = journal.new_record(run_dir.name, pipeline, package, options, config, ())
    if before is not None:
        record = replace(
            record,
            started=before.started,
            trigger=before.trigger,
            experiment_id=before.experiment_id,
            gates=tuple(gate for gate in before.gates if gate.stage in results),
        )
    for result in results.values():
        record = journal.with_stage(record, result.record)
        record = journal.with_gates(record, result.gates)
    return journal.with_metrics(record, (results[name] for name in earlier.in_order(pipeline, results)))


def _taken(pipeline: Pipeline, source: Path | None, run_dir: Path, needed: set[str]) -> dict[str, StageResult]:
    if source is None or not needed:
        return {}
    results = earlier.results_of(source, needed)
    missing = earlier.in_order(pipeline, needed - set(results))
    if missing:
        raise RunError(
            f"the run {run_dir.name} has no result of {', '.join(missing)}, which must be done first: "
            f"run {'it' if len(missing) == 1 else 'them'} before"
        )
    return results


def _make_folder(run_dir: Path, options: RunOptions) -> None:
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"--output {options.output}: the run's folder cannot be made: {error.strerror}") from error
