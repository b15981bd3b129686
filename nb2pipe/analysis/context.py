"""What a walk over code may ask: the notebook's imports and definitions, and the tables of libraries."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from nb2pipe.analysis.library import Library
from nb2pipe.analysis.model import Effects, ImportedName
from nb2pipe.analysis.values import Value

BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True)
class Summary:
    """What calling one of the notebook's functions or methods does, in terms of its parameters and free names.

    ``free`` are the notebook's variables that it reads, or that what it calls reads.
    """

    parameters: tuple[str, ...]
    effects: Effects = field(default_factory=Effects)
    returns: Value = field(default_factory=Value)
    free: frozenset[str] = frozenset()


@dataclass(frozen=True)
class NotebookClass:
    """One of the notebook's classes: its base's import path, its methods, and the variables that they read."""

    base: str | None
    methods: Mapping[str, Summary]
    free: frozenset[str] = frozenset()
    made_by_code: bool = False


@dataclass(frozen=True)
class Context:
    """What a walk may ask: the notebook's imports, functions and classes, and the tables of libraries.

    ``hooks`` are the special methods and properties that its classes define: operators and attributes may run them.
    ``reached`` are the attributes that the code may change through what they refer to.
    """

    library: Library
    imports: Mapping[str, tuple[ImportedName, ...]]
    functions: Mapping[str, Summary] = field(default_factory=dict)
    classes: Mapping[str, NotebookClass] = field(default_factory=dict)

    hooks: frozenset[str] = frozenset()
    reached: frozenset[str] = frozenset()

    @cached_property
    def active_hooks(self) -> frozenset[str]:
        """Those among the hooks that may change something."""
        known = {
            name: summary
            for cls in self.classes.values()
            for name, summary in cls.methods.items()
            if name in self.hooks
        }
        quiet = {
            name
            for name in known
            if not any(cls.methods[name].effects.mutates for cls in self.classes.values() if name in cls.methods)
        }
        return self.hooks - quiet

    @cached_property
    def method_names(self) -> frozenset[str]:
        """Methods of all of the notebook's classes."""
        return frozenset(name for cls in self.classes.values() for name in cls.methods)


def dotted_path(node: ast.expr, imports: Mapping[str, tuple[ImportedName, ...]]) -> str | None:
    """The import path that ``np.random.seed`` and the like stand for; ``None`` for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in imports:
        return None
    return ".".join([imports[node.id][0].target, *reversed(parts)])


def root_name(node: ast.expr) -> str | None:
    """The name at the bottom of a chain of attributes, subscripts and calls."""
    while True:
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return node.id if isinstance(node, ast.Name) else None
