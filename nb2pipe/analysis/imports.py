"""Imports of a notebook: which names stand for modules throughout, and which are variables that happen to hold one."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from nb2pipe.analysis.model import ImportedName
from nb2pipe.analysis.scopes import flow_of, scope_of
from nb2pipe.notebook import Cell, CellKind, Notebook, Role
from nb2pipe.notebook.trees import walk

#: Modules beside the standard library whose public names may be asked for; asking imports them.
STAR_MODULES = frozenset({"numpy", "numpy.linalg", "numpy.random"})
#: Modules of the standard library that do something when they are imported.
LOUD_MODULES = frozenset({"antigravity", "this", "idlelib", "turtle", "turtledemo", "test", "lib2to3", "__main__"})


def imported_names(statement: ast.stmt) -> tuple[ImportedName, ...]:
    """What an import statement binds; empty for other statements."""
    if isinstance(statement, ast.Import):
        return tuple(
            ImportedName(alias.name, None, alias.asname or alias.name.partition(".")[0]) for alias in statement.names
        )
    if isinstance(statement, ast.ImportFrom) and not statement.level:
        return tuple(
            ImportedName(statement.module or "", alias.name, alias.asname or alias.name)
            for alias in statement.names
            if alias.name != "*"
        )
    return ()


def steady_imports(
    trees: Iterable[ast.Module], changing: frozenset[str] = frozenset(), implied: frozenset[str] = frozenset()
) -> dict[str, tuple[ImportedName, ...]]:
    """Names that only import statements at the top level of cells bind, always to the same thing.

    Such a name means the same everywhere, so its import can stand at the head of a module. Any other imported name (a
    fallback in ``try``, an alias taken twice, a module's name reused for a value) is a variable like others, and so
    is a module that is ``changing``. Modules that are ``implied`` count as imported by their names.
    """
    statements = [statement for tree in trees for statement in tree.body]
    found: dict[str, list[ImportedName]] = {}
    for statement in statements:
        for imported in imported_names(statement):
            known = found.setdefault(imported.name, [])
            if imported not in known:
                known.append(imported)
    for module in sorted(implied):
        known = found.setdefault(module, [])
        if ImportedName(module, None, module) not in known:
            known.append(ImportedName(module, None, module))
    unsteady = {name for name, entries in found.items() if len({entry.target for entry in entries}) > 1}
    unsteady |= {name for name, entries in found.items() if changing & _with_package(entries[0].module)}
    for statement in statements:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            flow = flow_of([statement])
            unsteady |= (flow.may_bind | flow.deletes | _written_globally(statement)) & found.keys()
    while True:  # the names of one statement go together
        mixed = {
            imported.name
            for statement in statements
            if {entry.name for entry in imported_names(statement)} & unsteady
            for imported in imported_names(statement)
        }
        if mixed <= unsteady:
            return {name: tuple(entries) for name, entries in found.items() if name not in unsteady}
        unsteady |= mixed


def _with_package(module: str) -> set[str]:
    return {module, module.partition(".")[0]}


def _written_globally(statement: ast.stmt) -> frozenset[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return scope_of(statement).writes
    return frozenset()


def is_steady_import(statement: ast.stmt, imports: Mapping[str, tuple[ImportedName, ...]]) -> bool:
    """Whether a statement is an import that can stand at the head of a module."""
    if isinstance(statement, ast.ImportFrom) and (statement.level or statement.module == "__future__"):
        return True
    return isinstance(statement, ast.Import | ast.ImportFrom) and all(
        entry.name in imports for entry in imported_names(statement)
    )


def all_modules(statements: Iterable[ast.stmt]) -> frozenset[str]:
    """Modules that the code imports anywhere, in functions too."""
    found: set[str] = set()
    for statement in statements:
        for node in walk(statement):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                found.add(node.module)
    return frozenset(found)


def with_named_star_imports(notebook: Notebook, trees: Mapping[int, ast.Module]) -> Notebook:
    """The notebook with ``from module import *`` naming what the notebook uses of a module whose names are known."""
    stars = {number: [s for s in tree.body if _is_known_star(s)] for number, tree in trees.items()}
    if not any(stars.values()):
        return notebook
    used = {
        node.id
        for tree in trees.values()
        for node in walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    bound = {
        name
        for tree in trees.values()
        for statement in tree.body
        if not isinstance(statement, ast.Import | ast.ImportFrom)
        for name in flow_of([statement]).may_bind
    }
    cells = [
        replace(cell, code=_named(cell.code, stars[cell.number], used, bound)) if stars.get(cell.number) else cell
        for cell in notebook.cells
    ]
    return replace(notebook, cells=tuple(cells))


def _is_known_star(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.ImportFrom)
        and not statement.level
        and any(alias.name == "*" for alias in statement.names)
        and public_names(statement.module or "") is not None
    )


def _named(code: str, stars: Sequence[ast.stmt], used: set[str], bound: set[str]) -> str:
    lines = code.encode().split(b"\n")
    for statement in reversed(stars):
        assert isinstance(statement, ast.ImportFrom)
        module = statement.module or ""
        names = sorted((public_names(module) or frozenset()) & used)
        plain = [name for name in names if name not in bound]
        parts = [f"from {module} import {', '.join(plain)}"] if plain else []
        parts += [f"from {module} import {name}" for name in names if name in bound]
        text = "; ".join(parts) or f"import {module}"
        last = (statement.end_lineno or statement.lineno) - 1
        first = statement.lineno - 1
        tail = lines[last][statement.end_col_offset :]
        lines[first] = lines[first][: statement.col_offset] + text.encode() + tail
        for line in range(first + 1, last + 1):
            lines[line] = b""
    return b"\n".join(lines).decode()


def public_names(module: str) -> frozenset[str] | None:
    """What ``from module import *`` binds; ``None`` where only executing somebody's code would tell.

    Asked of the standard library and of :data:`STAR_MODULES`, in this interpreter.
    """
    top = module.partition(".")[0]
    known = top in sys.stdlib_module_names and top not in LOUD_MODULES
    if not known and module not in STAR_MODULES:
        return None
    try:
        found = importlib.import_module(module)
    except ImportError:
        return None
    names = getattr(found, "__all__", None) or [name for name in vars(found) if not name.startswith("_")]
    return frozenset(names)


def code_cells(notebook: Notebook) -> list[Cell]:
    """The code cells of the pipeline: those not tagged ``skip``."""
    return [cell for cell in notebook.cells if cell.kind is CellKind.CODE and cell.role is not Role.SKIP]
