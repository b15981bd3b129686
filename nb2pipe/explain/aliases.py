"""Names that surely lead to one object, as the notebook goes on; for saying what a change in place changes.

The planner's aliases are cautious: a pair *may* share an object. To tell people what *is* changed, only shapes that
leave no doubt count here: ``d = a``, ``d = a[0]``, ``for d in [train, test]``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from enum import StrEnum

from nb2pipe.analysis import Statement
from nb2pipe.analysis.context import root_name
from nb2pipe.notebook.trees import children, walk

#: ``(part, whole)``: a change of the part is a change of the whole.
Relation = tuple[str, str]


class Aliases:
    """Keeps which names lead to which objects; binding a name again ends what it led to.

    Not its business: what changes (see :mod:`nb2pipe.analysis.effects`).
    """

    def __init__(self, types: Mapping[str, str]) -> None:
        self._types = types
        self._relations: set[Relation] = set()

    def changed_with(self, name: str, statement: Statement) -> frozenset[str]:
        """The names whose objects a change of ``name`` changes, in a statement; itself included."""
        relations = self._relations | relations_in(statement, self._types)
        seen = {name}
        stack = [name]
        while stack:
            current = stack.pop()
            found = {whole for part, whole in relations if part == current} - seen
            seen |= found
            stack.extend(found)
        return frozenset(seen)

    def after(self, statement: Statement) -> None:
        """Moves on behind a statement."""
        augmented = isinstance(
            statement.node, ast.AugAssign
        )  # changes what can change, and binds the same object again
        rebound = statement.flow.deletes | (frozenset() if augmented else statement.flow.may_bind)
        kept = {relation for relation in self._relations if not rebound & set(relation)}
        self._relations = kept | relations_in(statement, self._types)


class Shape(StrEnum):
    """How a binding relates a name to another."""

    SAME = "same"  # d = a
    EACH = "each"  # for d in [a, b]
    PART = "part"  # d = a[0], for d in a


def relations_in(statement: Statement, types: Mapping[str, str]) -> frozenset[Relation]:
    """What the assignments and loops of a statement relate; only what the analysis counts as aliases, too."""
    known = statement.effects.aliases
    found: set[Relation] = set()
    for part, whole, shape in _pairs(statement.node):
        chained = shape is Shape.SAME and {part, whole} <= statement.flow.may_bind
        copies = shape is Shape.PART and (types.get(whole) or "").startswith("pandas.")  # pandas copies on write
        if part != whole and not copies and (chained or (min(part, whole), max(part, whole)) in known):
            found.add((part, whole))
            if shape is Shape.SAME:
                found.add((whole, part))
    return frozenset(found)


def _pairs(node: ast.stmt) -> Iterator[tuple[str, str, Shape]]:
    """``(part, whole, shape)`` for every binding, the bodies of functions left out."""
    stack: list[ast.AST] = [node]
    while stack:
        current = stack.pop()
        match current:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
                continue
            case ast.Assign():
                for target in current.targets:
                    yield from _bound(target, current.value)
                names = [t.id for t in current.targets if isinstance(t, ast.Name)]
                yield from ((one, names[0], Shape.SAME) for one in names[1:])
            case ast.AnnAssign() if current.value is not None:
                yield from _bound(current.target, current.value)
            case ast.NamedExpr():
                yield from _bound(current.target, current.value)
            case ast.For() | ast.AsyncFor():
                yield from _looped(current.target, current.iter)
        stack.extend(children(current))


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, str, Shape]]:
    match target, value:
        case ((ast.Tuple() | ast.List()), (ast.Tuple() | ast.List())) if len(target.elts) == len(value.elts):
            for one, other in zip(target.elts, value.elts, strict=True):
                yield from _bound(one, other)
        case ast.Name(), ast.Name():
            yield target.id, value.id, Shape.SAME
        case ast.Name(), (ast.Attribute() | ast.Subscript()) if not _calls(value):
            whole = root_name(value)
            if whole is not None:
                yield target.id, whole, Shape.PART


def _looped(target: ast.expr, iterated: ast.expr) -> Iterator[tuple[str, str, Shape]]:
    """A loop goes through each: what is done to its name is done to everything that it goes through."""
    displays = [node for node in walk(iterated) if isinstance(node, ast.Tuple | ast.List)]
    listed = {id(element) for display in displays for element in display.elts}
    for part in _names(target):
        for node in walk(iterated):
            if isinstance(node, ast.Name):
                yield part.id, node.id, Shape.EACH if id(node) in listed else Shape.PART


def _names(node: ast.expr) -> Iterator[ast.Name]:
    return (child for child in walk(node) if isinstance(child, ast.Name))


def _calls(node: ast.expr) -> bool:
    return any(isinstance(child, ast.Call) for child in walk(node))
