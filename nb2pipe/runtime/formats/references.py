"""The functions and classes that a graph names instead of holding: code that must be the same when it is loaded."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from types import FunctionType
from typing import Any

CODE = (type, FunctionType)
_INSTALLED = frozenset({"site-packages", "dist-packages"})


def names_of(named: Iterable[Any]) -> tuple[str, ...]:
    """``module:qualname`` of what belongs to the user's own modules, in order; a lambda by the name it has there."""
    own = (obj for obj in named if _is_own(obj.__module__))
    return tuple(sorted({f"{obj.__module__}:{_qualname(obj)}" for obj in own}))


def _qualname(obj: Any) -> str:
    if obj.__qualname__ != "<lambda>":
        return str(obj.__qualname__)
    found = (name for name, value in vars(sys.modules[obj.__module__]).items() if value is obj)
    return next(found, obj.__qualname__)


@lru_cache(maxsize=4096)
def _is_own(module: Any) -> bool:
    """Whether a module is neither Python's, nor installed, nor of this runtime."""
    if not isinstance(module, str) or module.partition(".")[0] == "nb2pipe":
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    if not isinstance(file, str):
        return False
    path = Path(file).resolve()
    return _INSTALLED.isdisjoint(path.parts) and not any(path.is_relative_to(folder) for folder in _python())


@lru_cache(maxsize=1)
def _python() -> tuple[Path, ...]:
    """Where Python keeps its own modules."""
    return tuple({Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")})
