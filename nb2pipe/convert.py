"""The compiler in one place: read → analyse → plan → emit, and what is written in the end."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from nb2pipe.analysis import analyse
from nb2pipe.diagnostics import Diagnostic
from nb2pipe.emit.package import package_files
from nb2pipe.emit.write import WritePlan, plan_write
from nb2pipe.explain import Explanation, explain
from nb2pipe.notebook import NotebookError, read_notebook
from nb2pipe.notebook.names import checked_name, package_name
from nb2pipe.pipeline import Pipeline, Planned, plan


@dataclass(frozen=True)
class Conversion:
    """What a conversion would write; ``plan`` is ``None`` when the findings forbid it."""

    target: Path
    findings: tuple[Diagnostic, ...]
    pipeline: Pipeline | None
    plan: WritePlan | None


def check(notebook: Path) -> tuple[Diagnostic, ...]:
    """Everything that nb2pipe has to say about a notebook. Nothing is executed or written.

    Raises:
        NotebookError: when it cannot be read.
    """
    return planned(notebook, notebook.parent / notebook.stem).findings


def explained(notebook: Path) -> Explanation:
    """What becomes of every cell of a notebook, what crosses between its stages, and why.

    Raises:
        NotebookError: when it cannot be read.
    """
    return explain(planned(notebook, notebook.parent / notebook.stem))


def planned(notebook: Path, target: Path, name: str | None = None) -> Planned:
    """Read, analyse, plan; ``target`` is the package's folder, from which the notebook is named."""
    try:
        with without_collecting():
            read = read_notebook(notebook, checked_name(name) if name else None)
            return plan(analyse(read), _relative(notebook, target))
    except RecursionError:
        raise _too_deep(notebook) from None


@contextmanager
def without_collecting() -> Iterator[None]:
    """Lets Python not look for garbage among syntax trees that are all needed to the end: it would, over and over."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _too_deep(notebook: Path) -> NotebookError:
    return NotebookError(f"{notebook}: its code is nested too deeply, or in too long a chain; split the expression")


def convert(notebook: Path, output: Path, name: str | None = None) -> Conversion:
    """Everything that writing ``output/<name>`` would change; nothing is written yet.

    Raises:
        NotebookError: when the notebook cannot be read.
        WriteError: when the target is not a place that nb2pipe may write to.
    """
    target = output / (checked_name(name) if name else package_name(notebook))
    result = planned(notebook, target, name)
    if result.pipeline is None:
        return Conversion(target, result.findings, None, None)
    try:
        files = package_files(result.pipeline, installed_versions())
    except RecursionError:
        raise _too_deep(notebook) from None
    return Conversion(target, result.findings, result.pipeline, plan_write(files, target))


def installed_versions() -> dict[str, str]:
    """Distribution → version of everything installed here."""
    return {d.metadata["Name"]: d.version for d in metadata.distributions() if d.metadata["Name"]}


def _relative(notebook: Path, target: Path) -> str:
    try:
        return Path(os.path.relpath(notebook.resolve(), target.resolve())).as_posix()
    except ValueError:  # another drive
        return notebook.resolve().as_posix()
