"""Reasons not to convert: what the stages of a draft would lose on the way."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from nb2pipe.analysis import Facts, Statement, StatementKind
from nb2pipe.analysis.context import BUILTINS
from nb2pipe.analysis.values import stored_as_one_memory
from nb2pipe.diagnostics import Diagnostic, rule
from nb2pipe.notebook import Role
from nb2pipe.pipeline.crossing import StageNames, Step, not_storable
from nb2pipe.pipeline.model import Parameter, Threshold
from nb2pipe.pipeline.placing import Placed, Placement, referenced
from nb2pipe.pipeline.registering import ModelNames
from nb2pipe.pipeline.staging import Block


@dataclass(frozen=True)
class Draft:
    """Stages, what is in them, and what crosses between them, before any code is cut."""

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


def findings(draft: Draft) -> Iterator[Diagnostic]:
    """Everything that would make the pipeline differ from the notebook."""
    yield from _skipped(draft)
    yield from _unbound(draft)
    yield from _maybe_unbound(draft)
    yield from _unstorable(draft)
    yield from _views(draft)
    yield from _definitions(draft)
    yield from _handed_on(draft)
    yield from _process_objects(draft)
    yield from _builtins(draft)
    yield from _block_imports(draft)
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
        names = set(statement.flow.reads)
        if statement.kind is StatementKind.DEFINITION:
            names |= draft.placed[next(iter(statement.flow.binds))].definition.free
        for name in sorted(names - known - skipped - _kernel(name_set=names)):
            yield rule("NB202").found(statement.cell, statement.line, name=name)
    available = set(draft.given)
    for stage in draft.names:
        for name, step in stage.reads.items():
            if name not in available and name not in stage.may_bind - _unbound_within(name, draft.steps[stage.name]):
                yield rule("NB202").found(step.statement.cell, step.statement.line, name=name)
        available = (available | stage.may_bind) - stage.deletes


def _unbound_within(name: str, steps: Iterable[Step]) -> frozenset[str]:
    """``{name}`` when the stage reads it in a statement before any that binds it; else nothing."""
    for step in steps:
        if name in step.may_bind:
            return frozenset()
        if name in step.reads:
            return frozenset({name})
    return frozenset()


def _kernel(name_set: set[str]) -> set[str]:
    from nb2pipe.analysis.constructs import KERNEL_NAMES, NUMBERED

    return {name for name in name_set if name in KERNEL_NAMES or NUMBERED.match(name)}


def _maybe_unbound(draft: Draft) -> Iterator[Diagnostic]:
    available = set(draft.given)
    for stage in draft.names:
        surely = set(stage.must_bind)
        for step in draft.steps[stage.name]:
            surely |= step.statement.flow.loop_binds
        for name in sorted((stage.outputs & stage.may_bind) - surely - available):
            step = next(s for s in draft.steps[stage.name] if name in s.may_bind)
            reader = next((s.name for s in draft.names if name in s.reads and s.name != stage.name), stage.name)
            yield rule("NB201").found(step.statement.cell, step.statement.line, name=name, stage=reader)
        available |= stage.outputs | stage.may_bind


def _unstorable(draft: Draft) -> Iterator[Diagnostic]:
    for stage in draft.names:
        for name in sorted(stage.outputs):
            why = not_storable(_type_after(name, stage, draft))
            if why is None:
                continue
            step = next((s for s in draft.steps[stage.name] if name in s.may_bind | s.mutates), None)
            reader = next((s.name for s in draft.names if name in s.reads and s.name != stage.name), stage.name)
            place = step.statement if step else draft.steps[stage.name][0].statement
            yield rule("NB206").found(place.cell, place.line, name=name, what=why, stage=reader)


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
    facts = draft.facts
    users: dict[str, list[str]] = {}
    for block in draft.blocks:
        for statement in draft.bodies[block.name]:
            for name in referenced(statement, facts):
                if block.name not in users.setdefault(name, []):
                    users[name].append(block.name)
    bound_somewhere = {name for s in facts.statements for name in s.flow.may_bind}
    for name, entry in draft.placed.items():
        found = entry.definition
        line = found.node.lineno
        stages = users.get(name, [])
        if found.state and (len(stages) > 1 or (found.is_class and _crosses(name, draft))):
            yield rule("NB209").found(found.cell, line, name=name, what=found.state)
        if entry.placement is not Placement.NESTED:
            continue
        home = next((b.name for b in draft.blocks if any(c.number == found.cell for c in b.cells)), None)
        elsewhere = [stage for stage in stages if stage != home]
        variable = next(iter(sorted(entry.variables | found.writes)), name)
        if found.is_class and (len(stages) > 1 or elsewhere or _crosses(name, draft)):
            yield rule("NB205").found(found.cell, line, name=name, variable=variable)
        elif elsewhere and (found.evaluated & draft.variables - draft.constants):
            yield rule("NB210").found(found.cell, line, name=name, variable=variable)
        for written in sorted(found.writes - bound_somewhere):
            yield rule("NB212").found(found.cell, line, name=name, variable=written)


def _handed_on(draft: Draft) -> Iterator[Diagnostic]:
    """A function that lives in its stage, kept in something that leaves the stage."""
    nested = {n: p for n, p in draft.placed.items() if p.placement is Placement.NESTED}
    for stage in draft.names:
        for step in draft.steps[stage.name]:
            kept = step.may_bind | step.mutates
            if step.statement.kind is StatementKind.DEFINITION or not kept & stage.outputs:
                continue
            calls = {id(n.func) for n in ast.walk(step.statement.node) if isinstance(n, ast.Call)}
            for node in ast.walk(step.statement.node):
                if isinstance(node, ast.Name) and node.id in nested and id(node) not in calls:
                    variable = next(iter(sorted(nested[node.id].variables | nested[node.id].definition.writes)), "")
                    yield rule("NB210").found(step.statement.cell, node.lineno, name=node.id, variable=variable)


def _crosses(cls: str, draft: Draft) -> bool:
    """Whether an instance of one of the notebook's classes goes from stage to stage."""
    return any(draft.facts.types.get(n) == f"notebook:{cls}" for stage in draft.names for n in stage.outputs)


def _process_objects(draft: Draft) -> Iterator[Diagnostic]:
    """Loggers and the like, changed through a variable: the change is lost where the next process starts."""
    for position, block in enumerate(draft.blocks):
        for statement in draft.bodies[block.name]:
            changes = statement.effects.process and statement.kind is not StatementKind.SETTING
            if changes and position + 1 < len(draft.blocks):
                shown = ast.unparse(statement.node).partition("\n")[0]
                yield rule("NB207").found(statement.cell, statement.line, construct=shown)


def _builtins(draft: Draft) -> Iterator[Diagnostic]:
    for stage in draft.names:
        bound = {n for step in draft.steps[stage.name] for n in step.may_bind} & BUILTINS
        for name in sorted(bound & stage.reads.keys() - stage.inputs):
            step = stage.reads[name]
            yield rule("NB211").found(step.statement.cell, step.statement.line, name=name)


def _block_imports(draft: Draft) -> Iterator[Diagnostic]:
    """Imports inside ``if`` or ``try`` whose names another stage, or a function, reads."""
    for stage in draft.names:
        for step in draft.steps[stage.name]:
            for node in ast.walk(step.statement.node):
                if not isinstance(node, ast.Import | ast.ImportFrom):
                    continue
                names = {a.asname or a.name.partition(".")[0] for a in node.names} & step.may_bind
                free = {n for p in draft.placed.values() for n in p.definition.free}
                for name in sorted(names & (stage.outputs | free)):
                    yield rule("NB108").found(step.statement.cell, node.lineno, name=name)
