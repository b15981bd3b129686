"""What each code cell reads, binds and changes in place: the flow of variables from cell to cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nb2pipe.analysis import Facts, Statement, StatementKind
from nb2pipe.analysis.definitions import definition_node
from nb2pipe.analysis.values import is_immutable
from nb2pipe.explain.aliases import Aliases
from nb2pipe.explain.model import Change
from nb2pipe.explain.words import change_words, helpers_that
from nb2pipe.pipeline.placing import referenced

#: Going through a loader, or calling a network, changes it in special cases only.
DOUBTFUL = ("iterated over", "`call` called on it")


@dataclass(frozen=True)
class CellFlow:
    """The names of one cell; see :class:`~nb2pipe.explain.model.CellView`."""

    reads: frozenset[str] = frozenset()
    binds: frozenset[str] = frozenset()
    changes: Mapping[str, Change] = field(default_factory=dict)
    may_change: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    defines: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()


def cell_flows(facts: Facts) -> dict[int, CellFlow]:
    """Flow of every code cell that has statements, by the cell's number; cells tagged ``skip`` included."""
    cells: dict[int, list[Statement]] = {}
    for statement in sorted((*facts.statements, *facts.skipped), key=lambda s: (s.cell, s.order)):
        cells.setdefault(statement.cell, []).append(statement)
    binders = _binders(cells, facts)
    aliases = Aliases(facts.types)
    return {number: _flow(number, body, binders, aliases, facts) for number, body in cells.items()}


def _binders(cells: Mapping[int, Sequence[Statement]], facts: Facts) -> dict[str, set[int]]:
    """Variable -> the cells that bind it."""
    found: dict[str, set[int]] = {}
    for number, body in cells.items():
        for statement in body:
            for name in _bound(statement, facts):
                found.setdefault(name, set()).add(number)
    return found


def _defines(statement: Statement) -> bool:
    """Whether a statement defines a function or class, also one that the planner treats as a value like others."""
    return statement.kind is StatementKind.DEFINITION or definition_node(statement.node) is not None


def _bound(statement: Statement, facts: Facts) -> frozenset[str]:
    """Variables that a statement binds, those that a function it runs binds through ``global`` included."""
    if statement.kind is StatementKind.IMPORT or _defines(statement):
        return frozenset()
    written = (facts.definitions[d].writes for d in referenced(statement, facts))
    return statement.flow.may_bind.union(*written)


def _flow(
    number: int, body: Sequence[Statement], binders: Mapping[str, set[int]], aliases: Aliases, facts: Facts
) -> CellFlow:
    reads: set[str] = set()
    binds: set[str] = set()
    surely: set[str] = set()
    changes: dict[str, Change] = {}
    may_change: set[str] = set()
    uses: set[str] = set()
    defines: set[str] = set()
    imports: set[str] = set()
    known = facts.definitions.keys() | facts.values.keys() | facts.imports.keys()
    for statement in body:
        touched = _reads(statement, facts)
        own = binds | statement.flow.may_bind
        reads |= {n for n in touched - surely if _from_elsewhere(n, number, binders, n in own)}
        uses |= (statement.flow.reads & known) - imports - defines
        earlier = {n for n in _changeable(statement, aliases) & binders.keys() if min(binders[n]) < number} - surely
        changes = _changes(statement, earlier, aliases, facts) | changes
        may_change |= _may_change(statement, facts) & earlier
        aliases.after(statement)
        bound = _bound(statement, facts)
        binds = (binds | bound) - statement.flow.deletes
        if statement.kind is StatementKind.IMPORT:
            imports |= statement.flow.may_bind
        elif _defines(statement):
            defines |= statement.flow.may_bind
        else:
            surely = (surely | statement.flow.binds) - statement.flow.deletes
    return CellFlow(
        reads=frozenset(reads),
        binds=frozenset(binds),
        changes=changes,
        may_change=frozenset(may_change) - changes.keys(),
        uses=frozenset(uses),
        defines=frozenset(defines),
        imports=frozenset(imports),
    )


def _changeable(statement: Statement, aliases: Aliases) -> frozenset[str]:
    """Every name that a change in a statement may be a change of."""
    return statement.flow.reads.union(*(aliases.changed_with(name, statement) for name in statement.effects.mutates))


def _changes(statement: Statement, earlier: set[str], aliases: Aliases, facts: Facts) -> dict[str, Change]:
    """The variables among ``earlier`` whose objects a statement changes for certain, under every name they have."""
    found: dict[str, Change] = {}
    for name in sorted(n for n in statement.effects.certain if surely_changes(n, statement, facts)):
        for changed in sorted(aliases.changed_with(name, statement) & earlier):
            if not is_immutable(facts.types.get(changed)):
                through = "" if changed in statement.effects.certain else name
                found.setdefault(changed, change_words(through or changed, statement, facts, through))
    return found


def surely_changes(name: str, statement: Statement, facts: Facts) -> bool:
    """Whether there is no doubt that a statement changes an object, where the analysis is careful to say so.

    What a function does to its arguments counts as certain in its callers; here only if it is so in the function.
    """
    phrase = statement.effects.reasons.get(name, "").rpartition(" in line ")[0]
    if phrase in DOUBTFUL:
        return False
    inside = [facts.definitions[d].effects for d in helpers_that(phrase, statement, facts)]
    sure = (n in e.certain for e in inside for n, why in e.reasons.items() if why.rpartition(" in line ")[0] == phrase)
    return not inside or any(sure)


def _from_elsewhere(name: str, number: int, binders: Mapping[str, set[int]], own: bool) -> bool:
    """Whether a name that a cell reads is a variable of another cell.

    A cell above must bind it; one below counts only where the cell itself does not bind the name at all.
    """
    others = binders.get(name, set()) - {number}
    return any(cell < number for cell in others) or (bool(others) and not own)


def _reads(statement: Statement, facts: Facts) -> frozenset[str]:
    """Names that a statement reads; what a function reads counts where it may run, not where it is made."""
    if statement.kind is StatementKind.IMPORT or _defines(statement):
        return statement.flow.reads - frozenset().union(*(facts.values.get(n, ()) for n in statement.flow.binds))
    found = set(statement.flow.reads)
    for name in referenced(statement, facts):
        found |= facts.definitions[name].free
    stack = list(found & facts.values.keys())
    while stack:
        fresh = facts.values[stack.pop()] - found
        found |= fresh
        stack.extend(fresh & facts.values.keys())
    return frozenset(found)


def _may_change(statement: Statement, facts: Facts) -> set[str]:
    runs = (facts.definitions[d] for d in referenced(statement, facts))
    names = statement.effects.mutates.union(*(d.effects.mutates & d.free for d in runs))
    return {name for name in names if not is_immutable(facts.types.get(name))}
