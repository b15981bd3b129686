"""Where each function and class goes: ``helpers.py`` as it stands, there with more arguments, or into its stage."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from nb2pipe.analysis import Definition, Facts, Statement, StatementKind
from nb2pipe.analysis.context import dotted_path
from nb2pipe.analysis.definitions import PLAIN_DECORATORS
from nb2pipe.notebook.trees import walk


class Placement(StrEnum):
    """The three places."""

    HOISTED = "hoisted"
    EXTENDED = "extended"  # hoisted, with the variables that it reads as keyword arguments
    NESTED = "nested"


@dataclass(frozen=True)
class Placed:
    """A definition and its place. ``variables`` are the notebook variables that it, or what it calls, reads."""

    definition: Definition
    placement: Placement
    variables: frozenset[str]


def place(
    facts: Facts,
    variables: frozenset[str],
    constants: frozenset[str],
    nested: frozenset[str] = frozenset(),
    shared: frozenset[str] = frozenset(),
) -> dict[str, Placed]:
    """A place for every definition.

    Args:
        variables: names that statements (not imports or definitions) of the pipeline bind.
        constants: those among them that may stand in ``helpers.py`` as they are.
        nested: definitions that must not get their variables as arguments.
        shared: variables that live in ``helpers.py`` themselves.
    """
    variables -= constants | shared
    needs = {name: _needs(name, facts, variables) for name in facts.definitions}
    direct = _only_called(facts)
    placed: dict[str, Placed] = {}
    for name, found in facts.definitions.items():
        placement = _place(found, needs, direct, variables, shared, facts)
        if placement is Placement.EXTENDED and name in nested:
            placement = Placement.NESTED
        placed[name] = Placed(found, placement, needs[name])
    return _settled(placed, facts)


def reachable(name: str, facts: Facts) -> frozenset[str]:
    """The definitions that running ``name`` may run, itself included."""
    return facts.reach[name]


def _needs(name: str, facts: Facts, variables: frozenset[str]) -> frozenset[str]:
    reached = reachable(name, facts)
    return frozenset().union(
        *((facts.definitions[r].free | facts.definitions[r].evaluated) & variables for r in reached)
    )


def _place(
    found: Definition,
    needs: Mapping[str, frozenset[str]],
    direct: frozenset[str],
    variables: frozenset[str],
    shared: frozenset[str],
    facts: Facts,
) -> Placement:
    needed = needs[found.name]
    if not needed and not found.writes - shared and not found.evaluated & shared:
        return Placement.HOISTED
    callees = [facts.definitions[r] for r in reachable(found.name, facts)]
    extendable = (
        isinstance(found.node, ast.FunctionDef | ast.Assign)
        and found.name in direct
        and not any(callee.writes - shared for callee in callees)
        and not (found.evaluated & (variables | shared))
        and not _shadows(found, needed)
        and not _yields(found.node)
        and all(callee.name in direct for callee in callees if needs[callee.name])
        and all(not callee.is_class for callee in callees if needs[callee.name])
        and _plainly_decorated(found, facts)
        and not _has_inner_scope_clash(found, needed)
    )
    return Placement.EXTENDED if extendable else Placement.NESTED


def _settled(placed: dict[str, Placed], facts: Facts) -> dict[str, Placed]:
    """A definition that uses a nested one cannot be hoisted itself."""
    users: dict[str, list[str]] = {}
    for name, entry in placed.items():
        for used in (entry.definition.free | entry.definition.evaluated) & placed.keys():
            users.setdefault(used, []).append(name)
    stack = [name for name, entry in placed.items() if entry.placement is Placement.NESTED]
    while stack:
        for name in users.get(stack.pop(), ()):
            if placed[name].placement is not Placement.NESTED:
                placed[name] = replace(placed[name], placement=Placement.NESTED)
                stack.append(name)
    return placed


def _only_called(facts: Facts) -> frozenset[str]:
    """Definitions whose every mention is a direct call."""
    mentions: dict[str, int] = {}
    calls: dict[str, int] = {}
    for statement in facts.statements:
        for node in walk(statement.node):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                mentions[node.id] = mentions.get(node.id, 0) + 1
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                star = any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords)
                calls[node.func.id] = calls.get(node.func.id, 0) + (0 if star else 1)
    return frozenset(name for name in facts.definitions if mentions.get(name, 0) == calls.get(name, 0))


def _shadows(found: Definition, needed: frozenset[str]) -> bool:
    return bool(found.locals & needed)


def _has_inner_scope_clash(found: Definition, needed: frozenset[str]) -> bool:
    """A function inside it that has a name of its own which is also one of the variables to pass on."""
    for node in walk(found.node):
        if isinstance(node, ast.arg) and node.arg in needed:
            return True
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in needed:
            return True
    return False


def _yields(node: ast.AST) -> bool:
    return any(isinstance(child, ast.Yield | ast.YieldFrom) for child in walk(node))


def _plainly_decorated(found: Definition, facts: Facts) -> bool:
    if not isinstance(found.node, ast.FunctionDef):
        return True
    targets = [d.func if isinstance(d, ast.Call) else d for d in found.node.decorator_list]
    return all(dotted_path(target, facts.imports) in PLAIN_DECORATORS for target in targets)


def referenced(statement: Statement, facts: Facts) -> frozenset[str]:
    """Definitions that executing a statement may run."""
    if statement.kind in (StatementKind.IMPORT, StatementKind.DEFINITION):
        named: Iterable[str] = statement.flow.reads & facts.definitions.keys()
    else:
        named = (statement.flow.reads | statement.effects.calls) & facts.definitions.keys()
    return frozenset().union(*(reachable(name, facts) for name in named)) if named else frozenset()
