"""What translated magics and shell lines leave behind for later cells, where stages would see something else."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nb2pipe.analysis.carried import changing_modules
from nb2pipe.analysis.context import dotted_path
from nb2pipe.analysis.model import ImportedName
from nb2pipe.diagnostics import Diagnostic, rule
from nb2pipe.notebook import Cell
from nb2pipe.notebook.modules import imported_modules
from nb2pipe.notebook.trees import walk

#: What IPython's list of output lines can do beyond a list.
LINE_LIST_ATTRIBUTES = frozenset(
    {"n", "s", "p", "l", "nlstr", "spstr", "list", "paths", "get_nlstr", "get_spstr", "get_list", "get_paths"}
    | {"grep", "fields"}
)


def kernel_line_findings(
    cells: Sequence[Cell],
    trees: Mapping[int, ast.Module],
    imports: Mapping[str, tuple[ImportedName, ...]],
    siblings: frozenset[str],
) -> list[Diagnostic]:
    """Folders above the run's own, modules written anew, and more than lines asked of a command's output."""
    return [
        *_folders_above(cells, trees, imports),
        *_written_modules(cells, trees),
        *(_refused(cell) for cell in cells if cell.written & siblings),
        *_line_lists(cells, trees),
    ]


def _folders_above(
    cells: Iterable[Cell], trees: Mapping[int, ast.Module], imports: Mapping[str, tuple[ImportedName, ...]]
) -> Iterator[Diagnostic]:
    """A run has a folder of its own: what lies above it is not what lies above the notebook."""
    folder = "."
    for cell in cells:
        for statement in trees[cell.number].body:
            match statement:
                case ast.Expr(value=ast.Call(func=func, args=[ast.Constant(value=str(step))])):
                    if dotted_path(func, imports) == "os.chdir":
                        folder = posixpath.normpath(posixpath.join(folder, step))
                        if folder.startswith(".."):
                            yield rule("NB207").found(cell.number, statement.lineno, construct=ast.unparse(statement))


def _written_modules(cells: Sequence[Cell], trees: Mapping[int, ast.Module]) -> Iterator[Diagnostic]:
    """A kernel keeps the module that it imported first, and what the module's functions have changed in it."""
    imported: frozenset[str] = frozenset()
    texts: dict[str, str] = {}
    for cell in cells:
        if cell.written & imported:
            yield _refused(cell)
        for module in cell.written:
            texts[module] = texts.get(module, "") + "\n" + cell.source.lstrip().partition("\n")[2]
        imported |= imported_modules(cell.code)
    taken = {module for cell in cells for module in _taken_apart(trees[cell.number])}
    try:
        keeping = changing_modules({f"{name}.py": text for name, text in texts.items()}, trees.values())
    except (SyntaxError, ValueError):
        keeping = frozenset(texts)
    for cell in cells:
        if cell.written & keeping & taken:
            yield _refused(cell)


def _taken_apart(tree: ast.Module) -> Iterator[str]:
    """Modules of which something is imported by its own name, and so crosses without its module."""
    for node in walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def _refused(cell: Cell) -> Diagnostic:
    return rule("NB101").found(cell.number, 1, construct=cell.source.strip().partition("\n")[0])


def _line_lists(cells: Sequence[Cell], trees: Mapping[int, ast.Module]) -> Iterator[Diagnostic]:
    lists = {name for cell in cells if cell.implied for name in _bound_to_lines(trees[cell.number])}
    if not lists:
        return
    for cell in cells:
        for node in walk(trees[cell.number]):
            match node:
                case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                    if name in lists and attribute in LINE_LIST_ATTRIBUTES:
                        yield rule("NB101").found(cell.number, node.lineno, construct=f"{name}.{attribute}")


def _bound_to_lines(tree: ast.Module) -> Iterator[str]:
    for node in walk(tree):
        if isinstance(node, ast.Assign) and _is_line_list(node.value):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _is_line_list(value: ast.expr) -> bool:
    match value:
        case ast.Call(
            func=ast.Attribute(value=ast.Attribute(value=ast.Call() as call, attr="stdout"), attr="splitlines")
        ):
            return ast.unparse(call.func) == "subprocess.run"
    return False
