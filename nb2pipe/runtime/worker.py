"""One stage in one process: load what it needs, call its function, store what it made."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import sys
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nb2pipe.runtime import figures, gates, metrics, namespace, random_state, workspace, write_guard
from nb2pipe.runtime.artifacts import load_artifacts, store_outputs
from nb2pipe.runtime.definition import DataQuality, Gate, Pipeline, Signature, Stage
from nb2pipe.runtime.errors import StorageError
from nb2pipe.runtime.filestate import Digests
from nb2pipe.runtime.formats import carried, graph
from nb2pipe.runtime.job import Job, result_path
from nb2pipe.runtime.package import Package, package_of
from nb2pipe.runtime.processes import begin_own_group
from nb2pipe.runtime.reads import Reads, texts_in
from nb2pipe.runtime.record import FailureRecord, FileRead, GateRecord, StageRecord, StageResult, Status
from nb2pipe.runtime.record_json import write_record
from nb2pipe.runtime.store import Store
from nb2pipe.runtime.trace import failure_of, read_provenance


def work(job: Job) -> None:
    """The main function of a stage's process."""
    begin_own_group()
    log = f"logs/{job.stage}.log"
    redirect_output(job.run_dir / log)
    pipeline: Pipeline = importlib.import_module(f"{job.module}.pipeline").PIPELINE
    result = run_stage(job, pipeline, durable=False)  # the runner sees to that while the next stage runs
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    result = replace(result, record=replace(result.record, log=log))
    if result.key:
        result = replace(result, files=_kept_files(job, result))
    write_record(result_path(job.run_dir, job.stage), result, durable=False)
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        os._exit(0)  # a thread that the stage left running must not keep the run waiting


def _kept_files(job: Job, result: StageResult) -> dict[str, str]:
    """The stage's log and figures in the store, for runs that use its result again."""
    store = Store(job.store, job.remote, durable=False)
    paths = [*(figure.path for figure in result.record.figures), *([result.record.log] if result.record.log else [])]
    contents = {path: (job.run_dir / path).read_bytes() for path in paths}
    return {path: store.put([content])[0] for path, content in contents.items() if content}


def run_stage(job: Job, pipeline: Pipeline, *, durable: bool = True) -> StageResult:
    """Run a stage in this process. Whatever happens in it ends up in the result; nothing is raised."""
    stage = pipeline.stage(job.stage)
    started, clock, cpu = datetime.now(UTC).isoformat(), time.perf_counter(), _cpu_seconds()
    record = StageRecord(
        name=stage.name,
        kind=stage.kind,
        status=Status.RUNNING,
        started=started,
        inputs=stage.needs,
        cells=stage.cells,
    )
    result = _Attempt(job, pipeline, stage, package_of(pipeline), record, Store(job.store, job.remote, durable)).run()
    return replace(
        result,
        ingredients=dict(job.ingredients),
        run_id=job.run_dir.name,
        record=replace(
            result.record,
            seconds=time.perf_counter() - clock,
            cpu_seconds=_cpu_seconds() - cpu,
            peak_memory=_peak_memory(),
        ),
    )


class BrokenContract(Exception):
    """A stage did not give what the definition says it gives."""


@dataclass
class _Attempt:
    """A stage as it goes: knows how far it came when something is raised."""

    job: Job
    pipeline: Pipeline
    stage: Stage
    package: Package
    record: StageRecord
    store: Store
    decided: tuple[GateRecord, ...] = ()
    in_function: bool = False
    reads: Reads | None = None

    def run(self) -> StageResult:
        package = self.package
        before = Path.cwd()
        try:
            os.chdir(self.job.workspace)
            return self._steps()
        except BaseException as error:
            failure = failure_of(error, package, read_provenance(package))
            if isinstance(error, StorageError) and self.stage.cells:
                word = "cell" if len(self.stage.cells) == 1 else "cells"
                cells = ", ".join(str(cell) for cell in self.stage.cells)
                failure = replace(failure, message=f"{failure.message} (stage {self.stage.name}, {word} {cells})")
            return self._failed(error, failure)
        finally:
            if self.reads is not None:
                self.reads.stop()
            write_guard.unguard()
            os.chdir(before)

    def _steps(self) -> StageResult:
        mirror = self.job.run_dir / "workspace"
        before = workspace.scan(mirror)
        originals = workspace.originals(mirror, before)
        self.reads = self._reads(mirror, before)
        self._set_up(mirror)
        carried.CHANGING.update(self.pipeline.modules)
        store = self.store
        values = load_artifacts(store, self.job.artifacts)
        if not self._gates_say_yes(values):
            return StageResult(replace(self.record, status=Status.STOPPED), gates=self.decided)
        inputs = {argument: values[artifact] for argument, artifact in self.stage.inputs.items()}
        namespace.restore(self.pipeline.namespace, {n: values[artifact] for n, artifact in self.stage.restores.items()})
        del values
        if self.job.random_state is not None:
            random_state.restore(graph.load(store.get(self.job.random_state)))
        self.in_function = True
        returned = called(self.stage, {**inputs, **self.job.arguments})
        self.in_function = False
        state = random_state.capture() if self.stage.saves_random_state else None
        outputs = {**_outputs(self.stage, returned), **namespace.save(self.pipeline.namespace, self.stage.saves)}
        del inputs, returned
        drawn = figures.save_figures(self.stage.name, self.job.run_dir / "figures")
        written = write_guard.changed(originals)
        if written:
            raise BrokenContract(
                f"the stage wrote to {written[0]}, which is your file, not the run's: "
                "write to another name, or give the run a copy with --data"
            )
        result = StageResult(
            record=replace(
                self.record,
                status=Status.DONE,
                outputs=store_outputs(store, self.stage, outputs),
                random_state=None if state is None else store.put(graph.dump(state))[0],
                figures=drawn,
            ),
            metrics=metrics.numbers({name: outputs[name] for name in self.stage.metrics if name in outputs}),
            gates=self.decided,
        )
        self.reads.stop()
        return self._with_surroundings(result, store, workspace.changes(mirror, before))

    def _reads(self, mirror: Path, before: Collection[str]) -> Reads:
        """Listens to what the stage reads; what its parameters and its code name counts already."""
        apart = [self.job.store, self.job.run_dir, self.package.module_folder, Path(__file__).parents[1]]
        reads = Reads(mirror, before, Digests(self.job.known), apart)
        reads.mention([*texts_in(self.job.arguments), *self.job.mentions])
        reads.start()
        return reads

    def _with_surroundings(
        self, result: StageResult, store: Store, changed: Mapping[str, os.stat_result | None]
    ) -> StageResult:
        """The result with what it depends on around it and what it left there; its key, when it may be used again."""
        assert self.reads is not None
        seen = self.reads.result()
        changes = workspace.kept(store, self.job.run_dir / "workspace", changed)
        if not self.job.key or not self.stage.cache or seen is None:
            return replace(result, changes=changes)
        variables: list[FileRead] = list(self.reads.variables(self.job.variables))
        return replace(result, key=self.job.key, reads=(*seen, *variables), changes=changes)

    def _set_up(self, mirror: Path) -> None:
        write_guard.guard(mirror)
        _find_modules_in_working_directory()
        figures.use_headless_backend()
        for setting in self.stage.settings:
            setting()

    def _gates_say_yes(self, values: Mapping[str, Any]) -> bool:
        name = self.stage.name
        mine = [gate for gate in self.pipeline.gates if isinstance(gate, DataQuality) and gate.before == name]
        self.decided = tuple(
            gates.check_tables(gate, {name: values[name] for name in gate.schemas if name in values}) for gate in mine
        )
        return all(gate.passed for gate in self.decided)

    def _failed(self, error: BaseException, failure: FailureRecord) -> StageResult:
        drawn = self.record.figures
        with contextlib.suppress(Exception):
            drawn = figures.save_figures(self.stage.name, self.job.run_dir / "figures")
        gate = gate_of_assertions(self.pipeline, self.stage.name)
        if isinstance(error, AssertionError) and self.in_function and gate is not None:
            said_no = gates.assertion_said_no(gate, failure)
            return StageResult(
                replace(self.record, status=Status.STOPPED, failure=failure, figures=drawn),
                gates=_with_no(self.decided, said_no),
            )
        failure = replace(_in_words(error, failure), transient=isinstance(error, self.stage.transient))
        record = replace(self.record, status=Status.FAILED, failure=failure, figures=drawn)
        return StageResult(record, gates=self.decided)


def called(stage: Stage, arguments: Mapping[str, Any]) -> Any:
    """What the stage function returns; a coroutine runs to its end, and so must the tasks that it starts."""
    assert not isinstance(stage.function, Signature)
    returned = stage.function(**arguments)
    if not inspect.iscoroutine(returned):
        return returned

    import asyncio

    async def to_the_end() -> Any:
        result = await returned
        running = asyncio.all_tasks() - {asyncio.current_task()}
        if running:
            names = ", ".join(
                sorted(f"`{getattr(task.get_coro(), '__qualname__', task.get_name())}`" for task in running)
            )
            raise BrokenContract(f"stage {stage.name} ended while tasks were still running ({names}): await them in it")
        return result

    return asyncio.run(to_the_end())


def gate_of_assertions(pipeline: Pipeline, stage: str) -> Gate | None:
    """The gate whose "no" an ``assert`` in ``stage`` is, if there is one."""
    mine = (gate for gate in pipeline.gates if (gate.before if isinstance(gate, DataQuality) else gate.after) == stage)
    return next(mine, None)


def _with_no(decided: tuple[GateRecord, ...], said_no: GateRecord) -> tuple[GateRecord, ...]:
    """One decision per gate: the assertion's "no" takes the place of an earlier "yes" and keeps its checks."""
    same = [gate for gate in decided if (gate.name, gate.kind) == (said_no.name, said_no.kind)]
    others = tuple(gate for gate in decided if gate not in same)
    earlier = tuple(check for gate in same for check in gate.checks)
    return (*others, replace(said_no, checks=(*earlier, *said_no.checks)))


def _outputs(stage: Stage, returned: Any) -> dict[str, Any]:
    """The declared outputs; what the function returned must have them all."""
    if returned is None and not stage.outputs:
        return {}
    if returned is None or not stage.outputs:
        wanted = f"its outputs {', '.join(stage.outputs)} by name" if stage.outputs else "None"
        raise BrokenContract(f"stage {stage.name} must return {wanted}, but returned {type(returned).__name__}")
    missing = [name for name in stage.outputs if not hasattr(returned, name)]
    if missing:
        raise BrokenContract(f"stage {stage.name} did not return {', '.join(missing)}, but a {type(returned).__name__}")
    return {name: getattr(returned, name) for name in stage.outputs}


def _in_words(error: BaseException, failure: FailureRecord) -> FailureRecord:
    if isinstance(error, SystemExit):
        return replace(failure, message=f"the stage called sys.exit({error.code!r}); a stage ends by returning")
    if isinstance(error, MemoryError) and not failure.message:
        return replace(failure, message="no memory left")
    if isinstance(error, (StorageError, BrokenContract)):
        return replace(failure, type=type(error).__name__)
    return failure


def _find_modules_in_working_directory() -> None:
    """As in a notebook, modules that lie in the working directory can be imported; it comes before site-packages."""
    if "" not in sys.path:
        site = (n for n, entry in enumerate(sys.path) if Path(entry).name in ("site-packages", "dist-packages"))
        sys.path.insert(next(site, len(sys.path)), "")


def redirect_output(path: Path) -> None:
    """Everything that is printed, by native code and child processes too, goes to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    for descriptor in (1, 2):
        os.dup2(handle, descriptor)
    os.close(handle)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = os.fdopen(os.dup(descriptor), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
        setattr(sys, name, stream)


def _cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _peak_memory() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return int(most) * unit
