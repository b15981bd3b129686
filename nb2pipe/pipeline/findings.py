"""Reasons not to convert: what the stages of a draft would lose on the way."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from nb2pipe.analysis import Facts, Statement, StatementKind
from nb2pipe.analysis.context import BUILTINS
from nb2pipe.analysis.groups import Groups
from nb2pipe.analysis.values import stored_as_one_memory
from nb2pipe.diagnostics import Diagnostic, rule
from nb2pipe.notebook import Role
from nb2pipe.pipeline.constants import changes_folder
from nb2pipe.pipeline.crossing import StageNames, Step, not_storable, run_step
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

    @cached_property
    def block_of(self) -> dict[int, str]:
        """Cell -> the block that holds it."""
        return {cell.number: block.name for block in reversed(self.blocks) for cell in block.cells}

    @cached_property
    def crossing_types(self) -> frozenset[str | None]:
        """The types of everything that crosses."""
        return frozenset(self.facts.types.get(name) for stage in self.names for name in stage.outputs)


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
    yield from _folders(draft)
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
    if not facts.skipped:
        return
    groups = Groups(pair for s in (*facts.statements, *facts.skipped) for pair in s.effects.aliases)
    readers = _Readers(draft)
    for skipped in facts.skipped:
        if skipped.kind is StatementKind.DISPLAY:
            continue
        changed = {n: "changed" for m in skipped.effects.certain for n in groups.of(m)}
        bound = dict.fromkeys(skipped.flow.may_bind, "bound") | dict.fromkeys(skipped.flow.deletes, "deleted")
        left = {**changed, **bound}
        for name, what in sorted(left.items()):
            reader = readers.next(name, skipped.cell)
            if reader is not None:
                yield rule("NB203").found(skipped.cell, skipped.line, name=name, what=what, reader=str(reader))
        if skipped.kind is StatementKind.SETTING:
            continue


class _Readers:
    """Where each name is read and bound, for asking what comes first below a cell."""

    def __init__(self, draft: Draft) -> None:
        self._cells: dict[str, list[int]] = {}
        self._reads: dict[str, list[bool]] = {}
        for statement in draft.facts.statements:
            reads = _reads(statement, draft)
            for name in reads | statement.flow.binds | statement.flow.loop_binds:
                self._cells.setdefault(name, []).append(statement.cell)
                self._reads.setdefault(name, []).append(name in reads)

    def next(self, name: str, after: int) -> int | None:
        """The first cell below ``after`` that reads ``name`` before binding it."""
        cells = self._cells.get(name, [])
        place = bisect_right(cells, after)
        return cells[place] if place < len(cells) and self._reads[name][place] else None


def _unbound(draft: Draft) -> Iterator[Diagnostic]:
    facts = draft.facts
    if any(f.code == "NB103" for f in facts.findings):
        return  # whatever it is that such an import binds, the finding about it is the one to mend
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
            reads = step.reads - step.statement.flow.asks - step.may_bind - BUILTINS
            for name in sorted(name for name in reads if name not in bound):
                yield rule("NB202").found(step.statement.cell, step.statement.line, name=name)
            run_step(bound, step)


def _kernel(name_set: set[str]) -> set[str]:
    from nb2pipe.analysis.constructs import KERNEL_NAMES, NUMBERED

    return {name for name in name_set if name in KERNEL_NAMES or NUMBERED.match(name)}


def _unstorable(draft: Draft) -> Iterator[Diagnostic]:
    for stage in draft.names:
        last = {name: step for step in draft.steps[stage.name] for name in step.may_bind}
        for name in sorted(stage.outputs):
            kind = (last[name].statement if name in last else draft.facts).types.get(name)
            why = not_storable(kind)
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


def _views(draft: Draft) -> Iterator[Diagnostic]:
    """Two names for one block of memory, written to in a stage that got both from before."""
    known: dict[str, set[tuple[str, str]]] = {}  # pairs by each of their names
    for stage in draft.names:
        fresh = stage.must_bind - stage.reads.keys()
        for step in draft.steps[stage.name]:
            for one, other in sorted({pair for name in step.mutates & known.keys() for pair in known[name]}):
                for written, peer in ((one, other), (other, one)):
                    crosses = written in stage.inputs and written not in fresh
                    needed = peer in stage.live_after or peer in stage.reads
                    if written in step.mutates and crosses and needed and peer not in fresh:
                        place = step.statement
                        yield rule("NB208").found(place.cell, place.line, name=peer, other=written)
        for step in draft.steps[stage.name]:
            views = step.statement.effects.views
            gone = {pair for name in step.statement.flow.binds & known.keys() for pair in known[name]} - views
            for pair in gone:
                for name in pair:
                    known[name].discard(pair)
            for pair in views:
                if not stored_as_one_memory(*map(draft.facts.types.get, pair)):
                    for name in pair:
                        known.setdefault(name, set()).add(pair)


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
    if not draft.shared:
        return
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


def _folders(draft: Draft) -> Iterator[Diagnostic]:
    """A change of the folder in the setup is made at the start of every stage, so nothing above may use files."""
    for block in draft.blocks:
        if any(cell.role is Role.STAGE for cell in block.cells):
            continue
        used = False
        cells = {cell.number for cell in block.cells}
        for statement in draft.facts.statements:
            if statement.cell not in cells:
                continue
            if used and changes_folder(statement):
                shown = ast.unparse(statement.node).partition("\n")[0]
                yield rule("NB207").found(statement.cell, statement.line, construct=shown)
            effects = statement.effects
            used |= effects.reads_files or effects.writes_files or effects.unknown_calls


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
