"""Names of the setup cells that are bound once, never change, and so may stand in a module or in the config."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from nb2pipe.analysis import Facts, Statement, StatementKind
from nb2pipe.analysis.constructs import namespace_questions
from nb2pipe.analysis.context import BUILTINS
from nb2pipe.analysis.values import is_immutable
from nb2pipe.notebook import Role
from nb2pipe.notebook.trees import walk
from nb2pipe.pipeline.literals import literal_value


def changes_folder(statement: Statement) -> bool:
    """Whether a statement changes the working directory, for itself and all later stages."""
    return statement.kind is StatementKind.SETTING and "chdir" in ast.unparse(statement.node)


def assigned_name(statement: Statement) -> tuple[str, ast.expr] | None:
    """The name and value of ``name = value``; ``None`` for any other statement."""
    node = statement.node
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        return node.target.id, node.value
    return None


def steady_names(facts: Facts) -> frozenset[str]:
    """Names that one statement binds and nothing changes, deletes, or shares with a name that changes."""
    bound: dict[str, int] = {}
    changed: set[str] = set()
    shared: dict[str, set[str]] = {}
    for statement in facts.statements:
        for name in statement.flow.may_bind:
            bound[name] = bound.get(name, 0) + 1
        changed |= statement.flow.deletes | _changeable(statement.effects.mutates, facts)
        for one, other in statement.effects.aliases:
            shared.setdefault(one, {one}).add(other)
            shared.setdefault(other, {other}).add(one)
    for found in facts.definitions.values():
        changed |= found.writes
        changed |= _changeable(found.effects.mutates & found.free, facts)
    frontier = list(changed)
    while frontier:
        for peer in shared.get(frontier.pop(), ()):
            if peer not in changed:
                changed.add(peer)
                frontier.append(peer)
    return frozenset(name for name, count in bound.items() if count == 1 and name not in changed)


def _changeable(names: Iterable[str], facts: Facts) -> set[str]:
    """Names whose objects can change at all."""
    return {name for name in names if not is_immutable(facts.types.get(name))}


def module_constants(facts: Facts, wanted: frozenset[str]) -> frozenset[str]:
    """Names of setup cells that ``helpers.py`` can bind itself: literals, and expressions over imports alone.

    ``wanted`` are the names that functions and classes read. A constant that another one is made from comes along.
    """
    steady = steady_names(facts)
    candidates: dict[str, frozenset[str]] = {}
    asked = {name for statement in facts.statements for name, _ in namespace_questions(statement.node)}
    for statement in facts.statements:
        cell = facts.notebook.cell(statement.cell)
        found = assigned_name(statement)
        if cell.role is not Role.SETUP or found is None or statement.kind is not StatementKind.CODE:
            continue
        name, value = found
        quiet = not (
            statement.effects.draws
            or statement.effects.seeds
            or statement.effects.mutates
            or statement.effects.reads_files
            or statement.effects.writes_files
            or statement.effects.unknown_calls
            or statement.effects.calls
        )
        simple = literal_value(value) is not None or is_immutable(statement.types.get(name))
        if name in steady - asked and quiet and simple and not any(isinstance(n, ast.Await) for n in walk(value)):
            candidates[name] = statement.flow.reads - facts.imports.keys() - BUILTINS
    closed = _closed(candidates)
    chosen: set[str] = set()
    stack = [name for name in wanted if name in closed]
    while stack:
        name = stack.pop()
        if name not in chosen:
            chosen.add(name)
            stack.extend(candidates[name])
    return frozenset(chosen)


def _closed(candidates: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Candidates made from nothing but closed candidates."""
    missing = {name: parts - {name} for name, parts in candidates.items()}
    users: dict[str, list[str]] = {}
    for name, parts in missing.items():
        for part in parts:
            users.setdefault(part, []).append(name)
    left = {name: len(parts) for name, parts in missing.items()}
    closed = [name for name, count in left.items() if not count]
    for name in closed:  # grows as it goes
        for user in users.get(name, ()):
            left[user] -= 1
            if not left[user]:
                closed.append(user)
    return frozenset(closed)
