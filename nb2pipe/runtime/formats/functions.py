"""Functions made at run time: closures that share variables go on sharing them, and see their module as it is.

cloudpickle gives every function cells of its own and a copy of the globals that it reads. Two closures over one counter
would then count apart, and a function of ``helpers`` would not see a variable of that module change. Here cells are
objects of the graph like others, and globals are those of the function's module.
"""

from __future__ import annotations

import importlib
import sys
from types import CellType, CodeType, FunctionType
from typing import Any

ATTRIBUTES = ("__qualname__", "__module__", "__doc__", "__defaults__", "__kwdefaults__", "__annotations__")


def reduce(obj: Any) -> Any:
    """How a function or cell is taken apart; ``None`` for what has a name to be found by, and for all else."""
    if isinstance(obj, CellType):
        return _empty_cell, (), _contents(obj), None, None, _fill
    if not isinstance(obj, FunctionType) or _has_name(obj):
        return None
    module = obj.__globals__.get("__name__")
    if (name := _name_of_lambda(obj)) is not None:
        return attribute, (module, name)
    if not isinstance(module, str) or getattr(sys.modules.get(module), "__dict__", None) is not obj.__globals__:
        return None
    state = ({name: getattr(obj, name) for name in ATTRIBUTES}, obj.__dict__)
    return _function, (obj.__code__, module, obj.__name__, obj.__closure__), state, None, None, _complete


def _has_name(function: FunctionType) -> bool:
    found: Any = sys.modules.get(function.__module__ or "")
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is function


def _name_of_lambda(function: FunctionType) -> str | None:
    """The name that a module gives to a lambda of its own: Python itself calls them all ``<lambda>``."""
    module = sys.modules.get(str(function.__globals__.get("__name__")))
    if function.__qualname__ != "<lambda>" or function.__code__.co_filename != getattr(module, "__file__", None):
        return None
    return next((name for name, value in vars(module).items() if value is function), None)


def attribute(module: str, name: str) -> Any:
    """What a module has under a name."""
    return getattr(importlib.import_module(module), name)


def _function(code: CodeType, module: str, name: str, cells: tuple[CellType, ...] | None) -> FunctionType:
    return FunctionType(code, vars(importlib.import_module(module)), name, None, cells)


def _complete(function: FunctionType, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    attributes, own = state
    for name, value in attributes.items():
        setattr(function, name, value)
    function.__dict__.update(own)


def _empty_cell() -> CellType:
    return CellType()


def _contents(cell: CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def _fill(cell: CellType, contents: tuple[Any, ...]) -> None:
    for value in contents:
        cell.cell_contents = value
