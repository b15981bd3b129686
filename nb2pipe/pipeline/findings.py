"""Reasons not to convert: what the stages of a draft would lose on the way."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nb2pipe.analysis import Facts, Statement, StatementKind
from nb2pipe.analysis.context import BUILTINS
from nb2pipe.analysis.values import stored_as_one_memory
from nb2pipe.diagnostics import Diagnostic, rule
from nb2pipe.notebook import Role
from nb2pipe.pipeline.crossing import StageNames, Step, bound_after, not_storable
from nb2pipe.pipeline.model import Kept, Parameter, Threshold
from nb2pipe.pipeline.placing import Placed, referenced
from nb2pipe.pipeline.registering import ModelNames
from nb2pipe.pipeline.sharing import bindings_of_names_only
from nb2pipe.pipeline.staging import Block


@dataclass(frozen=True)
class Draft:
    """Stages, what is in them, and what crosses between them, before any code is cut.

    Attributes:
        shared: variables that live in ``helpers.py`` (see :mod:`nb2pipe.pipeline.choices`).
        shared_parameters: assignments of those among them that the config binds.
    """

    facts: Facts
    blocks: tuple[Block, ...]
    bodies: Mapping[str, tuple[Statement, ...]]
    steps: Mapping[str, list[Step]]
    names: tuple[StageNames, ...]
    placed: Mapping[str, Placed]
    variables: frozenset[str]
    constants: frozenset[str]
    given: Mapping[str, Parameter]
    metrics: Mapping[str, Mapping[str, str | None]]
    thresholds: tuple[Threshold, ...]
    model: ModelNames | None
    shared: frozenset[str] = frozenset()
    shared_parameters: Mapping[Kept, Parameter] = field(default_factory=dict)


def findings(draft: Draft) -> Iterator[Diagnostic]:
    """Everything that would make the pipeline differ from the notebook."""
    yield from _skipped(draft)
    yield from _unbound(draft)
    yield from _unstorable(draft)
    yield from _views(draft)
    yield from _definitions(draft)
    yield from _unshareable(draft)
    yield from _process_objects(draft)
    yield from _builtins(draft)
    if not any(c.role is Role.STAGE for c in draft.facts.notebook.cells):
        first = next(c.number for c in draft.facts.notebook.cells if c.index == 0)
        yield rule("NB301").found(first, 1)


def _reads(statement: Statement, draft: Draft) -> frozenset[str]:
    """Names that executing a statement reads, through the functions that it runs too."""
    reads = set(statement.flow.reads)
    for name in referenced(statement, draft.facts):
        reads |= draft.facts.definitions[name].free | draft.facts.definitions[name].evaluated
    return frozenset(reads)


def _skipped(draft: Draft) -> Iterator[Diagnostic]:
    """Cells tagged ``skip`` must leave nothing behind that a later cell reads."""
    facts = draft.facts
    groups: dict[str, set[str]] = {}
    for statement in [*facts.statements, *facts.skipped]:
        for one, other in statement.effects.aliases:
            merged = groups.get(one, {one}) | groups.get(other, {other})
            for name in merged:
                groups[name] = merged
    for skipped in facts.skipped:
        if skipped.kind is StatementKind.DISPLAY:
            continue
        changed = {n: "changed" for m in skipped.effects.certain for n in groups.get(m, {m})}
        bound = dict.fromkeys(skipped.flow.may_bind, "bound") | dict.fromkeys(skipped.flow.deletes, "deleted")
        left = {**changed, **bound}
        for name, what in sorted(left.items()):
            reader = _next_reader(name, skipped.cell, draft)
            if reader is not None:
                yield rule("NB203").found(skipped.cell, skipped.line, name=name, what=what, reader=str(reader))
        if skipped.kind is StatementKind.SETTING:
            continue


def _next_reader(name: str, after: int, draft: Draft) -> int | None:
    """The first cell below ``after`` that reads ``name`` before binding it."""
    for statement in draft.facts.statements:
        if statement.cell <= after:
            continue
        if name in _reads(statement, draft):
            return statement.cell
        if name in statement.flow.binds | statement.flow.loop_binds:
            return None
    return None


def _unbound(draft: Draft) -> Iterator[Diagnostic]:
    facts = draft.facts
    known = draft.variables | facts.imports.keys() | facts.definitions.keys() | BUILTINS
    skipped = {name for s in facts.skipped for name in s.flow.may_bind}
    for statement in facts.statements:
        names = set(statement.flow.reads - statement.flow.asks)
        if statement.kind is StatementKind.DEFINITION:
            names |= draft.placed[next(iter(statement.flow.binds))].definition.free
        for name in sorted(names - known - skipped - _kernel(name_set=names)):
            yield rule("NB202").found(statement.cell, statement.line, name=name)
    bound = dict.fromkeys(draft.given, True)
    for stage in draft.names:
        for step in draft.steps[stage.name]:
            for name in sorted(step.reads - step.statement.flow.asks - bound.keys() - step.may_bind - BUILTINS):
                yield rule("NB202").found(step.statement.cell, step.statement.line, name=name)
            bound = bound_after(bound, [step])


def _kernel(name_set: set[str]) -> set[str]:
    from nb2pipe.analysis.constructs import KERNEL_NAMES, NUMBERED

    return {name for name in name_set if name in KERNEL_NAMES or NUMBERED.match(name)}


def _unstorable(draft: Draft) -> Iterator[Diagnostic]:
    for stage in draft.names:
        for name in sorted(stage.outputs):
            why = not_storable(_type_after(name, stage, draft))
            if why is None or _is_closed(name, draft):
                continue
            step = next((s for s in draft.steps[stage.name] if name in s.may_bind | s.mutates), None)
            reader = next((s.name for s in draft.names if name in s.reads and s.name != stage.name), stage.name)
            place = step.statement if step else draft.steps[stage.name][0].statement
            yield rule("NB206").found(place.cell, place.line, name=name, what=why, stage=reader)


def _is_closed(name: str, draft: Draft) -> bool:
    """A file that only ``with`` opens is closed where anybody else sees it."""
    binders = [s for s in draft.facts.statements if name in s.flow.may_bind]
    return all(isinstance(s.node, ast.With) and draft.facts.types.get(name) == "io.TextIOWrapper" for s in binders)


def _type_after(name: str, stage: StageNames, draft: Draft) -> str | None:
    """The type of a name at the end of a stage, where its last binding there tells it."""
    for step in reversed(draft.steps[stage.name]):
        if name in step.may_bind:
            return step.statement.types.get(name)
    return draft.facts.types.get(name)


def _views(draft: Draft) -> Iterator[Diagnostic]:
    """Two names for one block of memory, written to in a stage that got both from before."""
    pairs: set[tuple[str, str]] = set()
    for stage in draft.names:
        fresh = stage.must_bind - stage.reads.keys()
        for step in draft.steps[stage.name]:
            for one, other in sorted(pairs):
                for written, peer in ((one, other), (other, one)):
                    crosses = written in stage.inputs and written not in fresh
                    needed = peer in stage.live_after or peer in stage.reads
                    if written in step.mutates and crosses and needed and peer not in fresh:
                        place = step.statement
                        yield rule("NB208").found(place.cell, place.line, name=peer, other=written)
        for step in draft.steps[stage.name]:
            views = step.statement.effects.views
            pairs |= {p for p in views if not stored_as_one_memory(*map(draft.facts.types.get, p))}
            rebound = step.statement.flow.binds
            pairs = {p for p in pairs if not set(p) & rebound or p in views}


def _definitions(draft: Draft) -> Iterator[Diagnostic]:
    """Caches that several stages use: what is in them would not cross."""
    users: dict[str, set[str]] = {}
    for block in draft.blocks:
        for statement in draft.bodies[block.name]:
            for name in referenced(statement, draft.facts):
                users.setdefault(name, set()).add(block.name)
    for name, entry in draft.placed.items():
        found = entry.definition
        if found.cached and len(users.get(name, ())) > 1:
            yield rule("NB209").found(found.cell, found.node.lineno, name=name, what=found.state)


def _unshareable(draft: Draft) -> Iterator[Diagnostic]:
    """Names that live in ``helpers.py``, bound in a way that no attribute can be."""
    for block in draft.blocks:
        for statement in draft.bodies[block.name]:
            for name, line in bindings_of_names_only(statement.node):
                if name in draft.shared:
                    yield rule("NB213").found(statement.cell, line, name=name)


def _process_objects(draft: Draft) -> Iterator[Diagnostic]:
    """Loggers and the like, changed through a variable: the change is lost where the next process starts."""
    for position, block in enumerate(draft.blocks):
        for statement in draft.bodies[block.name]:
            changes = statement.effects.process and statement.kind is not StatementKind.SETTING
            if changes and position + 1 < len(draft.blocks):
                shown = ast.unparse(statement.node).partition("\n")[0]
                yield rule("NB207").found(statement.cell, statement.line, construct=shown)


def _read_later(stage: StageNames, draft: Draft) -> frozenset[str]:
    return frozenset(name for step in draft.steps[stage.name] for name in step.reads)


def _builtins(draft: Draft) -> Iterator[Diagnostic]:
    for stage in draft.names:
        bound = {n for step in draft.steps[stage.name] for n in step.may_bind} & BUILTINS
        deleted = {n for step in draft.steps[stage.name] for n in step.statement.flow.deletes}
        lost = (
            ((bound & stage.reads.keys()) - stage.inputs) | stage.unsure_inputs | (deleted & _read_later(stage, draft))
        )
        for name in sorted(lost & BUILTINS):
            step = stage.reads.get(name) or draft.steps[stage.name][0]
            yield rule("NB211").found(step.statement.cell, step.statement.line, name=name)
