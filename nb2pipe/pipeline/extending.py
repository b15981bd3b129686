"""Edits that give a hoisted function the notebook variables it reads: in its signature, and wherever it is called."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

from nb2pipe.analysis.constructs import namespace_questions
from nb2pipe.notebook.trees import walk
from nb2pipe.pipeline.model import Edit

_COMMENT = re.compile(r"#[^\n]*")


def call_edits(cell: int, node: ast.AST, source: str, arguments: Mapping[str, Iterable[str]]) -> Iterator[Edit]:
    """Adds ``name=name`` to every call of a function in ``arguments`` (function -> variables to pass)."""
    for call in walk(node):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in arguments:
            continue
        passed = ", ".join(f"{name}={name}" for name in sorted(arguments[call.func.id]))
        if not passed:
            continue
        assert call.end_lineno is not None and call.end_col_offset is not None
        end = (call.end_lineno, call.end_col_offset - 1)
        given: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
        if not given:
            yield Edit(cell, *end, *end, passed)
            continue
        last: ast.expr | ast.keyword = max(given, key=lambda a: (a.end_lineno or 0, a.end_col_offset or 0))
        if len(given) == 1 and isinstance(last, ast.GeneratorExp) and last.end_col_offset == call.end_col_offset:
            yield Edit(cell, last.lineno, last.col_offset, last.lineno, last.col_offset, "(")
            yield Edit(cell, *end, *end, f"), {passed}")
            continue
        between = _between(source, (last.end_lineno or 0, last.end_col_offset or 0), end)
        comma = "" if "," in _COMMENT.sub("", between) else ", "
        yield Edit(cell, *end, *end, f"{comma}{passed}")


def signature_edit(cell: int, node: ast.FunctionDef | ast.Assign, source: str, variables: Iterable[str]) -> Edit:
    """Adds keyword-only arguments to a function's signature."""
    names = ", ".join(sorted(variables))
    function: ast.FunctionDef | ast.Lambda
    if isinstance(node, ast.Assign):
        assert isinstance(node.value, ast.Lambda)
        function = node.value
    else:
        function = node
    args = function.args
    star = "" if args.vararg or args.kwonlyargs else "*, "
    before_kwarg: list[ast.expr | ast.arg] = [*args.posonlyargs, *args.args, *args.defaults, *args.kwonlyargs]
    before_kwarg += [d for d in args.kw_defaults if d is not None]
    before_kwarg += [args.vararg] if args.vararg else []
    if before_kwarg:
        last = max(before_kwarg, key=lambda a: (a.end_lineno or 0, a.end_col_offset or 0))
        line, column = last.end_lineno or 0, last.end_col_offset or 0
        slash = bool(args.posonlyargs) and not args.args and not args.kwonlyargs and not args.vararg
        if slash:
            line, column = _after(source, (line, column), "/")
        return Edit(cell, line, column, line, column, f", {star}{names}")
    if args.kwarg is not None:
        line, column = _before(source, (args.kwarg.lineno, args.kwarg.col_offset), "**")
        return Edit(cell, line, column, line, column, f"{star}{names}, ")
    if isinstance(function, ast.Lambda):
        line, column = _after(source, (function.lineno, function.col_offset), "lambda")
        return Edit(cell, line, column, line, column, f" {star}{names}")
    line, column = _after(source, (function.lineno, function.col_offset), f"{function.name}", "(")
    return Edit(cell, line, column, line, column, f"{star}{names}")


def rename_edits(cell: int, node: ast.AST, names: Mapping[str, str]) -> Iterator[Edit]:
    """Gives names another spelling wherever they are read."""
    for found in walk(node):
        if isinstance(found, ast.Name) and names.get(found.id, found.id) != found.id:
            assert found.end_lineno is not None and found.end_col_offset is not None
            yield Edit(cell, found.lineno, found.col_offset, found.end_lineno, found.end_col_offset, names[found.id])


def own_namespace_edits(cell: int, node: ast.stmt) -> Iterator[Edit]:
    """``globals()`` becomes ``locals()`` where a statement asks for a variable, as the stage function holds them."""
    for _, call in namespace_questions(node):
        func = call.func
        assert func.end_lineno is not None and func.end_col_offset is not None
        yield Edit(cell, func.lineno, func.col_offset, func.end_lineno, func.end_col_offset, "locals")


def _offset(source: str, place: tuple[int, int]) -> int:
    lines = source.encode().split(b"\n")
    return sum(len(line) + 1 for line in lines[: place[0] - 1]) + place[1]


def _place(source: str, offset: int) -> tuple[int, int]:
    head = source.encode()[:offset]
    return head.count(b"\n") + 1, offset - (head.rfind(b"\n") + 1)


def _between(source: str, start: tuple[int, int], end: tuple[int, int]) -> str:
    return source.encode()[_offset(source, start) : _offset(source, end)].decode()


def _after(source: str, start: tuple[int, int], *marks: str) -> tuple[int, int]:
    text, offset = source.encode(), _offset(source, start)
    for mark in marks:
        offset = text.index(mark.encode(), offset) + len(mark.encode())
    return _place(source, offset)


def _before(source: str, end: tuple[int, int], mark: str) -> tuple[int, int]:
    return _place(source, source.encode().rindex(mark.encode(), 0, _offset(source, end)))
