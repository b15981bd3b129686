"""Modules of the package's own folder whose variables change: they cross with what they hold."""

from __future__ import annotations

import importlib
from types import FunctionType, ModuleType
from typing import Any

#: Names of the modules in this process that cross so; the definition of the pipeline says which.
CHANGING: set[str] = set()


def reduce(obj: Any) -> Any:
    """How such a module is taken apart; ``None`` for all else."""
    if not isinstance(obj, ModuleType) or obj.__name__ not in CHANGING:
        return None
    return importlib.import_module, (obj.__name__,), _variables(obj), None, None, _set_variables


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
