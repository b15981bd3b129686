"""Which cell and line each emitted line came from: the syntax trees of both, walked side by side.

Emission changes expressions (a literal becomes a name) but neither the order nor the nesting of statements, so the
statements of a stage's body pair up with those of its cells even after formatting.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from nb2pipe.emit.qualify import is_sharing
from nb2pipe.emit.stages import helpers_module_name
from nb2pipe.pipeline.model import SHOW_FIGURES, Kept, Pipeline

LineMap = tuple[tuple[int, int, int], ...]  # (line of the file, cell, line of the cell), all from 1


def line_maps(files: Mapping[str, str], pipeline: Pipeline) -> dict[str, LineMap]:
    """Line maps of the modules that hold notebook code, by path."""
    maps: dict[str, LineMap] = {}
    for stage in pipeline.stages:
        path = f"{pipeline.name}/stages/{stage.name}.py"
        tree = ast.parse(files[path])
        function = next(
            n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name == stage.name
        )
        body = function.body[1:-1] if stage.outputs else function.body[1:]
        body = [node for node in body[len(stage.unbound_inputs) :] if not is_sharing(node, helpers_module_name(stage))]
        maps[path] = _paired(body, stage.body, pipeline.sources)
    helpers = f"{pipeline.name}/helpers.py"
    emitted = [n for n in ast.parse(files[helpers]).body[1:] if not _is_head(n)]
    maps[helpers] = _paired(emitted, pipeline.helpers.body, pipeline.sources)
    return maps


def _is_head(node: ast.stmt) -> bool:
    """Whether a statement of ``helpers.py`` is an import or declares a variable, and is so not the notebook's."""
    if isinstance(node, ast.FunctionDef):
        return node.name == "__getattr__"
    return _is_import(node) or (isinstance(node, ast.AnnAssign) and node.value is None)


def _is_import(node: ast.stmt) -> bool:
    """Imports are sorted and merged by the formatter; no line of theirs needs a place in the notebook."""
    return isinstance(node, ast.Import | ast.ImportFrom)


def _paired(emitted: Sequence[ast.stmt], kept: Sequence[Kept], sources: Mapping[int, str]) -> LineMap:
    trees: dict[int, list[ast.stmt]] = {}
    lines: dict[int, tuple[int, int]] = {}
    origins: list[tuple[Kept, ast.stmt]] = []
    for entry in kept:
        if entry.cell not in trees:
            trees[entry.cell] = ast.parse(sources[entry.cell]).body
        origins.append((entry, trees[entry.cell][-1 if entry.order == SHOW_FIGURES else entry.order]))
    origins = [(entry, origin) for entry, origin in origins if not _is_import(origin)]
    for node, (entry, origin) in zip([n for n in emitted if not _is_import(n)], origins, strict=True):
        for line, cell_line in _pairs(node, origin):
            lines.setdefault(line, (entry.cell, cell_line))
        last = origin.lineno
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
            last = lines.setdefault(line, (entry.cell, last))[1]
    return tuple((line, *lines[line]) for line in sorted(lines))


def _pairs(emitted: ast.AST, origin: ast.AST) -> Iterator[tuple[int, int]]:
    stack = [(emitted, origin)]
    while stack:
        one, other = stack.pop()
        if hasattr(one, "lineno") and hasattr(other, "lineno"):
            yield one.lineno, other.lineno
        if type(one) is type(other):
            children = zip(ast.iter_child_nodes(one), ast.iter_child_nodes(other), strict=False)
            stack.extend(reversed(list(children)))
