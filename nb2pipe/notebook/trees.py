"""Walks over syntax trees, as ``ast`` has them but several times faster: every phase visits every node."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TypeVar

N = TypeVar("N", bound=ast.AST)
T = TypeVar("T")

#: Fields that hold no code: contexts and operators, names and other plain values.
_NOT_CODE = frozenset("ctx op ops id attr arg names asname module level kind conversion rest lineno".split())


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of each kind of node that may hold nodes."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        if issubclass(kind, ast.Import | ast.ImportFrom):
            self[kind] = ("names",)
        elif issubclass(kind, ast.Constant | ast.Name):
            self[kind] = ()
        else:
            self[kind] = tuple(field for field in kind._fields if field not in _NOT_CODE)
        return self[kind]


_FIELDS = _Fields()


def remembered(work: Callable[[N], T]) -> Callable[[N], T]:
    """``work``, done once for each node: the answer is kept with the node, which nothing changes after parsing."""
    key = f"_{work.__module__}_{work.__qualname__}"

    @wraps(work)
    def answer(node: N) -> T:
        kept = vars(node)
        if key not in kept:
            kept[key] = work(node)
        found: T = kept[key]
        return found

    return answer


def walk(node: ast.AST) -> Sequence[ast.AST]:
    """The node and all below it, breadth first, as ``ast.walk`` gives them, but without contexts and operators."""
    return _walk_statement(node) if isinstance(node, ast.stmt) else _walk(node)


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly below a node, in source order, without contexts and operators."""
    found: list[ast.AST] = []
    for field in _FIELDS[type(node)]:
        value = getattr(node, field, None)
        if value.__class__ is list:
            found += [part for part in value if isinstance(part, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def _walk(node: ast.AST) -> list[ast.AST]:
    found = [node]
    for current in found:  # grows as it goes
        for field in _FIELDS[type(current)]:
            value = getattr(current, field, None)
            if value.__class__ is list:
                found += [part for part in value if isinstance(part, ast.AST)]
            elif isinstance(value, ast.AST):
                found.append(value)
    return found


@remembered
def _walk_statement(node: ast.stmt) -> list[ast.AST]:
    return _walk(node)
