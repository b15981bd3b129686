"""Variables that live in ``helpers.py``: how statements of a stage may bind them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nb2pipe.notebook.trees import children, walk


def bindings_of_names_only(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    """Names that a statement binds where Python allows no attribute, with their lines.

    A definition or import that is the whole statement is not among them: an assignment can follow it.
    """
    for child in children(statement):
        yield from _inside(child)
    if isinstance(statement, ast.Match | ast.Try | ast.TryStar):
        yield from _own(statement)


def _own(node: ast.AST) -> Iterator[tuple[str, int]]:
    line = getattr(node, "lineno", 0)
    match node:
        case ast.NamedExpr():
            yield node.target.id, line
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name, line
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name, line
        case ast.MatchMapping(rest=str(name)):
            yield name, line
        case ast.Import() | ast.ImportFrom():
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], line
        case ast.Global():
            for name in node.names:
                yield name, line


def _inside(node: ast.AST) -> Iterator[tuple[str, int]]:
    yield from _own(node)
    local = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef)
    for child in children(node):
        if not local:
            yield from _inside(child)
        else:
            yield from ((name, line) for name, line in _inside(child) if _is_global_inside(node, name))


def _is_global_inside(node: ast.AST, name: str) -> bool:
    return any(isinstance(inner, ast.Global) and name in inner.names for inner in walk(node))
