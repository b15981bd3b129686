"""What must be right before the first stage starts: definition, config, data, folders."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from nb2pipe.runtime import earlier, journal
from nb2pipe.runtime.config import Config, read_config
from nb2pipe.runtime.definition import DataQuality, Evaluation, Pipeline
from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.files import held
from nb2pipe.runtime.filestate import Digests, load_digests, save_digests
from nb2pipe.runtime.ingredients import key_of
from nb2pipe.runtime.job import Job
from nb2pipe.runtime.loading import Definition
from nb2pipe.runtime.options import RunOptions, check_options, new_run_id
from nb2pipe.runtime.package import Package
from nb2pipe.runtime.record import ArtifactRecord, GateRecord, RunRecord, StageResult, Status
from nb2pipe.runtime.scheduler import ancestors, check_graph, chosen_stages, descendants, unknown_stage
from nb2pipe.runtime.store import Store
from nb2pipe.runtime.workspace import bring_files, make_workspace

STORE = ".nb2pipe"
DIGESTS = "digests.json"


@dataclass(frozen=True)
class Prepared:
    """A run that may start.

    Attributes:
        chosen: the stages that will run.
        results: those taken from an earlier run.
    """

    definition: Definition
    options: RunOptions
    config: Config
    run_dir: Path
    store: Store
    workspace: Path
    chosen: frozenset[str]
    results: dict[str, StageResult]
    record: RunRecord
    digests: Digests

    @property
    def pipeline(self) -> Pipeline:
        """The definition of the pipeline."""
        return self.definition.pipeline

    @property
    def package(self) -> Package:
        """Where the package lies."""
        return self.definition.package

    @property
    def mirror(self) -> Path:
        """The folder that mirrors the data; the working directory is it or lies in it."""
        return self.run_dir / "workspace"


def prepare(definition: Definition, options: RunOptions) -> Prepared:
    """Check everything and make the run's folder; raises ``RunError`` before anything has run."""
    pipeline = definition.pipeline
    check_options(options)
    check_graph(pipeline)
    if options.why is not None and options.why not in {stage.name for stage in pipeline.stages}:
        raise RunError(unknown_stage(pipeline, options.why))
    chosen = chosen_stages(pipeline, options.only, options.from_stage)
    needed = ancestors(pipeline, *chosen) - chosen
    output = options.output.resolve()
    run_dir = output / (options.run_id or new_run_id())
    again = run_dir.exists()
    if again and not (options.only or options.from_stage):
        _go_on(run_dir, options)
    asked_by = f"--only {options.only}" if options.only else f"--from {options.from_stage}"
    source = run_dir if again else earlier.latest_run(output, pipeline, needed, asked_by) if needed else None
    if source is not None and options.from_stage:
        names = {stage.name for stage in pipeline.stages}
        chosen |= names - needed - set(earlier.results_of(source, names))  # what that run did not come to
    return _prepare(definition, options, chosen, needed, run_dir, source)


def _go_on(run_dir: Path, options: RunOptions) -> None:
    """A run that did not come to its end may go on: what it finished is in the cache. Its workspace begins anew."""
    before = journal.load(run_dir)
    if before is not None and before.status == Status.DONE:
        raise RunError(f"the run {run_dir.name} exists already in {options.output}: choose another --run-id")
    for folder in ("workspace", "stages"):
        shutil.rmtree(run_dir / folder, ignore_errors=True)


def prepare_step(definition: Definition, stage: str, options: RunOptions) -> Prepared:
    """The same for one stage of the run ``--run-id``, which is made when it does not exist."""
    pipeline = definition.pipeline
    check_options(options)
    check_graph(pipeline)
    chosen = chosen_stages(pipeline, stage, None)
    run_dir = options.output.resolve() / str(options.run_id)
    return _prepare(definition, options, chosen, ancestors(pipeline, stage), run_dir, run_dir)


def job_for(
    prepared: Prepared, name: str, results: Mapping[str, StageResult], ingredients: Mapping[str, str] | None = None
) -> Job:
    """What the stage's process must be told; with ``ingredients`` its result goes into the cache."""
    stage = prepared.pipeline.stage(name)
    code = prepared.definition.code
    mine = [gate for gate in prepared.pipeline.gates if isinstance(gate, DataQuality) and gate.before == name]
    wanted = [*stage.needs, *(artifact for gate in mine for artifact in gate.schemas)]
    return Job(
        module=prepared.package.name,
        stage=name,
        run_dir=prepared.run_dir,
        workspace=prepared.workspace,
        store=prepared.store.folder,
        remote=prepared.store.remote,
        arguments=prepared.config.arguments[name],
        artifacts=artifacts_with_graphs(outputs_of(results, wanted), wanted),
        random_state=random_state_before(prepared, name, results),
        key="" if ingredients is None else key_of(ingredients),
        ingredients=ingredients or {},
        mentions=code.mentions.get(name, ()),
        variables=code.variables.get(name, ()),
        known=prepared.digests.known,
    )


def outputs_of(results: Mapping[str, StageResult], names: Iterable[str]) -> dict[str, ArtifactRecord]:
    """Those of the artifacts ``names`` that a stage has made."""
    stages = dict.fromkeys(name.partition(".")[0] for name in names)
    made = (results[stage].record.outputs for stage in stages if stage in results)
    return {artifact.name: artifact for outputs in made for artifact in outputs}


def random_state_before(prepared: Prepared, name: str, results: Mapping[str, StageResult]) -> str | None:
    """Digest of the random state that the stage continues from."""
    stage = prepared.pipeline.stage(name)
    if stage.random_state is None:
        return None
    state = results[stage.random_state].record.random_state
    if state is None:
        raise RunError(f"pipeline.py: stage {name} continues {stage.random_state}'s random numbers, but it saves none")
    return state


def artifacts_with_graphs(records: dict[str, ArtifactRecord], wanted: Iterable[str]) -> tuple[ArtifactRecord, ...]:
    """The records of ``wanted``, each once; a name that nobody stored is left out."""
    return tuple(records[name] for name in dict.fromkeys(wanted) if name in records)


def gates_after(prepared: Prepared, name: str, results: Mapping[str, StageResult]) -> list[GateRecord]:
    """The decisions of the evaluation gates after stage ``name``, on the metrics up to there."""
    mine = [gate for gate in prepared.pipeline.gates if isinstance(gate, Evaluation) and gate.after == name]
    if not mine:
        return []
    from nb2pipe.runtime.gates import check_metrics

    order = earlier.in_order(prepared.pipeline, ancestors(prepared.pipeline, name) | {name})
    metrics = {key: value for stage in order if stage in results for key, value in results[stage].metrics.items()}
    return [check_metrics(gate, prepared.config.thresholds[gate.thresholds], metrics) for gate in mine]


def _prepare(
    definition: Definition,
    options: RunOptions,
    chosen: frozenset[str],
    needed: Collection[str],
    run_dir: Path,
    source: Path | None,
) -> Prepared:
    pipeline, package = definition.pipeline, definition.package
    config = read_config(pipeline, package, options, stages=chosen)
    results = _taken(pipeline, source, run_dir, set(needed))
    _make_folder(run_dir, options)
    store = Store(run_dir.parent / STORE, options.store)
    store.check()
    digests = load_digests(store.folder / DIGESTS)
    workspace, data = make_workspace(run_dir, pipeline.data_files, package, config, options.data, digests)
    before = journal.load(run_dir)
    if before is not None and before.pipeline != pipeline.name:
        raise RunError(f"the run {run_dir.name} belongs to pipeline {before.pipeline}, not {pipeline.name}")
    stale = chosen | descendants(pipeline, *chosen)
    if source is not None:
        results |= earlier.results_of(source, {stage.name for stage in pipeline.stages} - stale)
        if source == run_dir:
            earlier.forget_results(run_dir, stale)
        else:
            earlier.copy_results(source, run_dir, results)
            bring_files(source / "workspace", run_dir / "workspace")
    record = replace(_record(pipeline, package, options, config, run_dir, before, results), data=data)
    store.clean()
    journal.save(record, run_dir)
    save_digests(store.folder / DIGESTS, digests)
    return Prepared(definition, options, config, run_dir, store, workspace, chosen, results, record, digests)


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


def lock_of(store: Store, run_id: str) -> Path:
    """The lock that a run holds as long as it goes on."""
    return store.folder / "locks" / f"{run_id}.lock"


@contextmanager
def only_one(options: RunOptions) -> Iterator[None]:
    """Hold the lock of the run ``options.run_id``; raises ``RunError`` when another process holds it."""
    check_options(options)
    store = Store(options.output.resolve() / STORE)
    try:
        store.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"--output {options.output}: the run's folder cannot be made: {error.strerror}") from error
    with held(lock_of(store, str(options.run_id))):
        yield


def _make_folder(run_dir: Path, options: RunOptions) -> None:
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"--output {options.output}: the run's folder cannot be made: {error.strerror}") from error
