"""Statements of cells, cut out with their comments and edited, as libcst nodes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import libcst as cst

from nb2pipe.pipeline.model import SHOW_FIGURES, Edit, Kept
from nb2pipe.pipeline.prose import plain

CommentedStatement = cst.SimpleStatementLine | cst.BaseCompoundStatement
COMMENT_WIDTH = 96


def edited(source: str, edits: Iterable[Edit]) -> str:
    """``source`` with each edit made; edits of one place are made in the order given."""
    lines = source.encode().split(b"\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    text = source.encode()
    ordered = sorted(enumerate(edits), key=lambda e: (e[1].line, e[1].column, e[1].end_line, e[1].end_column, e[0]))
    for _, edit in reversed(ordered):
        start, end = starts[edit.line - 1] + edit.column, starts[edit.end_line - 1] + edit.end_column
        text = text[:start] + edit.text.encode() + text[end:]
    return text.decode()


def statements(
    kept: Sequence[Kept],
    edits: Sequence[Edit],
    sources: Mapping[int, str],
    notes: Mapping[int, str] | None = None,
    pyplot: str = "plt",
) -> list[CommentedStatement]:
    """The kept statements in order, with the comments above them; ``notes`` become comments above a cell's first one.

    ``pyplot`` is the name of ``matplotlib.pyplot`` in the module, for figures to show at the end of a cell.
    """
    result: list[CommentedStatement] = []
    for cell, orders in _by_cell(kept):
        module = cst.parse_module(edited(sources[cell], [e for e in edits if e.cell == cell]))
        found = _cut(module, orders)
        if not found:
            continue
        comments = [*(_comment_lines((notes or {}).get(cell, ""))), *_without_edge_blanks(found[0].leading_lines)]
        space = [cst.EmptyLine(indent=False)] if result else []
        result.append(found[0].with_changes(leading_lines=[*space, *comments]))
        result.extend(found[1:])
        if SHOW_FIGURES in orders:
            result.append(cst.ensure_type(cst.parse_statement(f"{pyplot}.show()"), cst.SimpleStatementLine))
    return result


def _by_cell(kept: Sequence[Kept]) -> list[tuple[int, set[int]]]:
    cells: list[tuple[int, set[int]]] = []
    for entry in kept:
        if not cells or cells[-1][0] != entry.cell:
            cells.append((entry.cell, set()))
        cells[-1][1].add(entry.order)
    return cells


def _cut(module: cst.Module, orders: set[int]) -> list[CommentedStatement]:
    found: list[CommentedStatement] = []
    position = 0
    for place, statement in enumerate(module.body):
        if place == 0 and module.header:
            lines = [*module.header, *statement.leading_lines]
            statement = statement.with_changes(leading_lines=lines)
        if isinstance(statement, cst.SimpleStatementLine):
            wanted = [part for i, part in enumerate(statement.body, start=position) if i in orders]
            position += len(statement.body)
            if wanted:
                last = wanted[-1].with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
                found.append(statement.with_changes(body=[*wanted[:-1], last]))
        else:
            if position in orders:
                found.append(statement)
            position += 1
    return found


def _without_edge_blanks(lines: Sequence[cst.EmptyLine]) -> list[cst.EmptyLine]:
    kept = list(lines)
    while kept and kept[0].comment is None:
        kept.pop(0)
    return kept


def _comment_lines(markdown: str) -> list[cst.EmptyLine]:
    lines = [wrapped for line in plain(markdown).split("\n") for wrapped in textwrap.wrap(line, COMMENT_WIDTH) or [""]]
    return [cst.EmptyLine(comment=cst.Comment(f"# {line}".rstrip())) for line in lines] if "".join(lines) else []


class _NonlocalNames(cst.CSTTransformer):
    """``global`` inside a function becomes ``nonlocal``: its variables are the stage function's."""

    def leave_Global(  # noqa: N802  libcst's name
        self, original_node: cst.Global, updated_node: cst.Global
    ) -> cst.BaseSmallStatement:
        return cst.Nonlocal(names=updated_node.names)


def with_nonlocals(body: Iterable[CommentedStatement]) -> list[CommentedStatement]:
    """Statements whose functions bind variables of the stage function around them."""
    result: list[CommentedStatement] = []
    for statement in body:
        if isinstance(statement, cst.SimpleStatementLine):
            result.append(statement)
            continue
        changed = statement.visit(_NonlocalNames())
        assert isinstance(changed, cst.SimpleStatementLine | cst.BaseCompoundStatement)
        result.append(changed)
    return result


def code_of(body: Sequence[CommentedStatement]) -> str:
    """Statements as the text of a module."""
    return cst.Module(body=list(body)).code


def quoted(text: str) -> str:
    """``text`` as a docstring literal: triple quotes that nothing in it can end."""
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if safe.endswith('"'):
        safe = f'{safe[:-1]}\\"'
    return f'"""{safe}"""'
