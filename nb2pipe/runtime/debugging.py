"""A stage of an earlier run, once more in this process, in a debugger: its inputs and parameters as they were."""

from __future__ import annotations

import code
import os
import pdb
import shutil
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from nb2pipe.runtime import earlier, namespace, random_state
from nb2pipe.runtime.artifacts import load_artifacts
from nb2pipe.runtime.config_types import annotations_of, checked
from nb2pipe.runtime.definition import Pipeline, Stage
from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.formats import carried, graph
from nb2pipe.runtime.history import find_run
from nb2pipe.runtime.package import load_package, package_of
from nb2pipe.runtime.prepare import STORE, outputs_of
from nb2pipe.runtime.progress import failure_lines
from nb2pipe.runtime.record import RunRecord
from nb2pipe.runtime.scheduler import unknown_stage
from nb2pipe.runtime.store import Store
from nb2pipe.runtime.trace import failure_of, read_provenance
from nb2pipe.runtime.worker import called


def debug(output: Path, run: str, stage_name: str, package: Path | None, *, ipython: bool) -> None:
    """Call a stage again with what it got in ``run``; where it raises, open a debugger, else a prompt.

    Neither the run nor the store is changed; the stage works in a copy of the run's workspace.

    Raises:
        RunError: there is no such run or stage, or a stage before it has no result.
    """
    found = find_run(output, run)
    record = found.record
    assert record is not None
    pipeline = load_package(package or _package_of(record))
    if stage_name not in {stage.name for stage in pipeline.stages}:
        raise RunError(unknown_stage(pipeline, stage_name))
    stage = pipeline.stage(stage_name)
    arguments = _arguments(pipeline, stage, record, found.folder, Store(output.resolve() / STORE))
    with tempfile.TemporaryDirectory(prefix="nb2pipe-debug-") as folder:
        workspace = Path(folder) / "workspace"
        if (found.folder / "workspace").is_dir():
            shutil.copytree(found.folder / "workspace", workspace, symlinks=True)
        workspace.mkdir(exist_ok=True)
        os.chdir(workspace)
        _call(pipeline, stage, arguments, ipython=ipython)
        os.chdir("/")


def _call(pipeline: Pipeline, stage: Stage, arguments: dict[str, Any], *, ipython: bool) -> None:
    try:
        returned = called(stage, arguments)
    except BaseException as error:
        package = package_of(pipeline)
        failure = failure_of(error, package, read_provenance(package))
        print(*failure_lines(failure), sep="\n", file=sys.stderr)
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None and _is_own(trace):
            trace = trace.tb_next
        if ipython:
            from IPython.core.debugger import Pdb

            debugger: Any = Pdb()
            debugger.reset()
            debugger.interaction(None, trace)
            return
        pdb.post_mortem(trace)
        return
    known = {**arguments, "result": returned}
    print(f"stage {stage.name} raised nothing; look at {', '.join(known)}", file=sys.stderr)
    if ipython:
        from IPython import start_ipython

        start_ipython(argv=[], user_ns=known)
    else:
        code.interact(banner="", local=known, exitmsg="")


def _is_own(trace: TracebackType) -> bool:
    """Whether a frame is the runner's, which is not what the user wants to see."""
    return str(trace.tb_frame.f_globals.get("__name__", "")).startswith("nb2pipe.")


def _package_of(record: RunRecord) -> Path:
    folder = Path(record.package)
    if not record.package or not folder.is_dir():
        where = record.package or "a known place"
        raise RunError(f"the package of run {record.run_id} is not at {where}: name it with --package")
    return folder


def _arguments(pipeline: Pipeline, stage: Stage, record: RunRecord, run_dir: Path, store: Store) -> dict[str, Any]:
    """The stage's inputs and parameters; settings, random state and shared variables are restored on the way."""
    results = earlier.results_of(run_dir, {known.name for known in pipeline.stages})
    artifacts = outputs_of(results, stage.needs)
    missing = [name for name in stage.needs if name not in artifacts]
    if missing:
        raise RunError(f"run {run_dir.name} has no {', '.join(missing)}, which stage {stage.name} needs")
    carried.CHANGING.update(pipeline.modules)
    values = load_artifacts(store, [artifacts[name] for name in dict.fromkeys(stage.needs)])
    hints = annotations_of(stage)
    arguments = {name: values[artifact] for name, artifact in stage.inputs.items()}
    for name, key in stage.params.items():
        if key not in record.config:
            raise RunError(f"run {run_dir.name} has no value of {key}, which stage {stage.name} needs")
        arguments[name] = checked([record.config[key].value], hints.get(name, Any), key)
    for setting in stage.settings:
        setting()
    namespace.restore(pipeline.namespace, {name: values[artifact] for name, artifact in stage.restores.items()})
    state = results[stage.random_state].record.random_state if stage.random_state in results else None
    if state is not None:
        random_state.restore(graph.load(store.get(state)))
    return arguments
