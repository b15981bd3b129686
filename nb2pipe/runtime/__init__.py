"""The runtime: what a generated package's ``pipeline.py`` imports. Cheap to import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb2pipe.runtime.definition import DataQuality, Evaluation, Pipeline, Registration, Stage
from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.options import RunOptions

if TYPE_CHECKING:
    from nb2pipe.runtime.package import load_package
    from nb2pipe.runtime.runner import execute, run
    from nb2pipe.runtime.steps import execute_step, step

__all__ = [
    "DataQuality",
    "Evaluation",
    "Pipeline",
    "Registration",
    "RunError",
    "RunOptions",
    "Stage",
    "execute",
    "execute_step",
    "load_package",
    "run",
    "step",
]

_LAZY = {
    "execute": "runner",
    "execute_step": "steps",
    "load_package": "package",
    "run": "runner",
    "step": "steps",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
