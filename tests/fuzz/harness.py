"""A program as a notebook, and as a pipeline whose stages run in processes of their own: do they end alike?

The stages run through the worker and the store of the runtime, one child process each; what is left out is what
cannot change results: formatting, tracking, the report.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import nbformat

from nb2pipe.analysis import analyse
from nb2pipe.emit.contracts import contracts_module
from nb2pipe.emit.definition import definition_module
from nb2pipe.emit.helpers import helpers_module
from nb2pipe.emit.stages import stage_module
from nb2pipe.emit.unbound import unbound_module
from nb2pipe.notebook import read_notebook
from nb2pipe.pipeline import Pipeline, plan
from nb2pipe.runtime.job import Job
from nb2pipe.runtime.record import StageResult
from nb2pipe.runtime.worker import run_stage
from tests.fuzz.programs import Program

for heavy in (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "cloudpickle",
    "pandera.pandas",
    "sklearn.preprocessing",
    "nb2pipe.runtime.runner",
):
    importlib.import_module(heavy)  # once here, and not in every child


class Outcome(StrEnum):
    """What a program shows."""

    SAME = "same"
    REFUSED = "refused"
    WRONG = "WRONG"
    CRASH = "crash"
    INVALID = "invalid"  # the notebook itself fails


@dataclass(frozen=True)
class Verdict:
    """An outcome, and what there is to say about it."""

    outcome: Outcome
    detail: str = ""


def judge(program: Program) -> Verdict:
    """Run a program both ways."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        return _judge(program, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _judge(program: Program, folder: Path) -> Verdict:
    cells = [(tag, source) for tag, source in program.cells() if tag != "skip"]
    expected = _in_child(lambda: _notebook([source for _, source in cells]), folder / "notebook")
    if expected is None:
        return Verdict(Outcome.INVALID)
    pipeline, refusal = _planned(program, folder)
    if pipeline is None:
        return Verdict(Outcome.REFUSED, refusal)
    _write(pipeline, folder / "package")
    found = _pipeline(pipeline, folder)
    if isinstance(found, Verdict):
        return found
    if found == expected:
        return Verdict(Outcome.SAME)
    return Verdict(Outcome.WRONG, _difference(expected, found))


def _difference(expected: Any, found: Any) -> str:
    names = sorted({*expected["values"], *found["values"]})
    parts = [
        f"{name}: notebook {expected['values'].get(name, 'unbound')}, pipeline {found['values'].get(name, 'unbound')}"
        for name in names
        if expected["values"].get(name) != found["values"].get(name)
    ]
    if expected["memory"] != found["memory"]:
        parts.append(f"shared memory: notebook {expected['memory']}, pipeline {found['memory']}")
    return "\n".join(parts)


def _in_child(work: Callable[[], None], folder: Path) -> Any:
    """Run ``work`` in a child process, in ``folder``; what it wrote to ``FUZZ_OUT``, or ``None`` when it failed."""
    folder.mkdir(exist_ok=True)
    out = folder / "out.json"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.chdir(folder)
            os.environ["FUZZ_OUT"] = str(out)
            with (folder / "log.txt").open("a", encoding="utf-8") as log:
                sys.stdout = sys.stderr = log
                try:
                    work()
                    code = 0
                except BaseException:
                    traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if status != 0 or not out.exists():
        return None
    return json.loads(out.read_text(encoding="utf-8"))


def _notebook(sources: list[str]) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for source in sources:
        exec(compile(source, "<cell>", "exec"), namespace)


def _planned(program: Program, folder: Path) -> tuple[Pipeline | None, str]:
    cells = []
    for tag, source in program.cells():
        cell = nbformat.v4.new_code_cell(source)
        cell.metadata["tags"] = [tag] if tag else []
        cells.append(cell)
    path = folder / "fuzzed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    planned = plan(analyse(read_notebook(path)), "../fuzzed.ipynb")
    codes = ", ".join(sorted({finding.code for finding in planned.errors}))
    return planned.pipeline, codes


def _write(pipeline: Pipeline, folder: Path) -> None:
    """The modules of the package, not formatted."""
    name = pipeline.name
    files = {
        f"{name}/__init__.py": "",
        f"{name}/pipeline.py": definition_module(pipeline),
        f"{name}/contracts.py": contracts_module(pipeline),
        f"{name}/helpers.py": helpers_module(pipeline),
        **unbound_module(pipeline),
        f"{name}/stages/__init__.py": "",
        **{f"{name}/stages/{stage.name}.py": stage_module(stage, pipeline) for stage in pipeline.stages},
        "notebook.lock": "{}",
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def _pipeline(pipeline: Pipeline, folder: Path) -> Any:
    """What the last stage wrote; a verdict when a stage failed."""
    run = folder / "run"
    for name in ("workspace", "stages", "figures", "logs"):
        (run / name).mkdir(parents=True)
    results: dict[str, StageResult] = {}
    written: Any = None
    for stage in pipeline.stages:
        arguments = {name: pipeline.parameter(key).value for name, key in stage.params.items()}

        def work(name: str = stage.name, arguments: dict[str, Any] = arguments) -> None:
            sys.path.insert(0, str(folder / "package"))
            definition = importlib.import_module(f"{pipeline.name}.pipeline").PIPELINE
            records = {a.name: a for result in results.values() for a in result.record.outputs}
            mine = definition.stage(name)
            state = results[mine.random_state].record.random_state if mine.random_state else None
            artifacts = tuple(records[need] for need in dict.fromkeys(mine.needs))
            job = Job(pipeline.name, name, run, run / "workspace", folder / "store", None, arguments, artifacts, state)
            result = run_stage(job, definition)
            (folder / f"{name}.pickle").write_bytes(pickle.dumps(result))

        written = _in_child(work, run / "workspace") or written
        path = folder / f"{stage.name}.pickle"
        if not path.exists():
            log = (run / "workspace" / "log.txt").read_text(encoding="utf-8")
            return Verdict(Outcome.CRASH, f"stage {stage.name}: {log[-1500:]}")
        results[stage.name] = pickle.loads(path.read_bytes())
        failure = results[stage.name].record.failure
        if failure is not None:
            refused = failure.type == "StorageError"
            return Verdict(Outcome.REFUSED if refused else Outcome.CRASH, f"{failure.type}: {failure.message}")
    return written
