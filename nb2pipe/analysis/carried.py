"""Modules that lie beside the notebook: whether they keep anything that may change while the notebook runs."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from nb2pipe.analysis.context import Context
from nb2pipe.analysis.definitions import (
    DefinitionNode,
    attribute_targets,
    attributes_reached,
    definition,
    definition_node,
    hooks_of,
    summaries,
)
from nb2pipe.analysis.imports import steady_imports
from nb2pipe.analysis.library import library
from nb2pipe.analysis.scopes import flow_of
from nb2pipe.notebook.trees import walk


def module_name(path: str) -> str:
    """``features/scale.py`` is ``features.scale``, ``features/__init__.py`` is ``features``."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def changing_modules(modules: Mapping[str, str], notebook: Iterable[ast.Module]) -> frozenset[str]:
    """Names of the modules whose variables code may change: their own functions, or the notebook's statements.

    ``modules`` are their texts by path. A module that imports a changing one counts as changing too.
    """
    trees = {module_name(path): ast.parse(text) for path, text in modules.items()}
    cells = list(notebook)
    found = {name for name, tree in trees.items() if _changes_itself(tree) or _is_changed(name, tree, cells)}
    while True:
        wider = {name for name, tree in trees.items() if _imports(tree, found)}
        if wider <= found:
            return frozenset(found)
        found |= wider


def _changes_itself(tree: ast.Module) -> bool:
    nodes: dict[str, DefinitionNode] = {}
    for statement in tree.body:
        made = definition_node(statement)
        if made is not None:
            nodes[made[0]] = made[1]
    imports = steady_imports([tree])
    reached = attributes_reached([tree], imports)
    context = summaries(nodes, Context(library(), imports, hooks=hooks_of([tree]), reached=reached))
    touched = attribute_targets([tree])
    own = flow_of(tree.body).may_bind
    return any(
        found.writes or found.state or (found.effects.mutates & own & found.free)
        for found in (definition(name, node, 0, context, touched) for name, node in nodes.items())
    )


def _is_changed(name: str, tree: ast.Module, cells: Iterable[ast.Module]) -> bool:
    """Whether the notebook reaches for a variable of the module that can change."""
    own = {n for statement in tree.body if _binds_mutable(statement) for n in flow_of([statement]).may_bind}
    for cell in cells:
        for node in walk(cell):
            if isinstance(node, ast.Attribute) and node.attr in own:
                return True
            if isinstance(node, ast.ImportFrom) and node.module == name and any(a.name in own for a in node.names):
                return True
    return False


def _binds_mutable(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Import | ast.ImportFrom) or definition_node(statement) is not None:
        return False
    value = getattr(statement, "value", None)
    fixed = ast.Constant | ast.JoinedStr | ast.UnaryOp | ast.Compare
    return not isinstance(value, fixed) and not (
        isinstance(value, ast.Tuple) and all(isinstance(e, fixed) for e in value.elts)
    )


def _imports(tree: ast.Module, names: Iterable[str]) -> bool:
    wanted = set(names)
    for node in walk(tree):
        if isinstance(node, ast.Import) and any(alias.name in wanted for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module in wanted or any(f"{module}.{alias.name}".lstrip(".") in wanted for alias in node.names):
                return True
    return False
