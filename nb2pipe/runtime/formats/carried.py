"""Modules of the package's own folder whose variables change: they cross with what they hold."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

#: Names of the modules in this process that cross so; the definition of the pipeline says which.
CHANGING: set[str] = set()


def reduce(obj: Any) -> Any:
    """How such a module is taken apart; ``None`` for all else."""
    if not isinstance(obj, ModuleType) or not (obj.__name__ in CHANGING or _is_of_this_run(obj)):
        return None
    return importlib.import_module, (obj.__name__,), _variables(obj), None, None, _set_variables


def _is_of_this_run(module: ModuleType) -> bool:
    """Whether a module was written by the run itself, into its working directory."""
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and Path(file).resolve().is_relative_to(Path.cwd().resolve())


def _variables(module: ModuleType) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(module).items()
        if not (name.startswith("__") and name.endswith("__"))
        and not isinstance(value, ModuleType)
        and not (isinstance(value, FunctionType | type) and value.__module__ == module.__name__)
    }


def _set_variables(module: ModuleType, variables: dict[str, Any]) -> None:
    for name in _variables(module).keys() - variables.keys():
        delattr(module, name)
    vars(module).update(variables)
