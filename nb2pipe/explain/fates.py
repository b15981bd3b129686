"""What became of every piece of a notebook: each statement of each code cell, and each cell of prose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from nb2pipe.analysis import Facts, Statement, StatementKind
from nb2pipe.explain.model import Fate, Outcome, Place
from nb2pipe.explain.words import counted, short
from nb2pipe.notebook import Cell, CellKind, Role
from nb2pipe.pipeline import Pipeline
from nb2pipe.pipeline.constants import assigned_name
from nb2pipe.pipeline.findings import Draft
from nb2pipe.pipeline.model import Kept
from nb2pipe.pipeline.placing import Placed, Placement

REFUSED_MAGIC = "NB101"


@dataclass(frozen=True)
class Destinations:
    """Where statements went, for looking up: the stages whose bodies hold each, and what a pipeline made of others."""

    draft: Draft
    pipeline: Pipeline | None
    stages: Mapping[Kept, tuple[str, ...]]
    statements: Mapping[int, tuple[Statement, ...]]

    @property
    def facts(self) -> Facts:
        """The facts that the draft was made from."""
        return self.draft.facts


def destinations(draft: Draft, pipeline: Pipeline | None) -> Destinations:
    """Bodies turned round: statement -> stages. A nested function stands in every stage that runs it."""
    stages: dict[Kept, list[str]] = {}
    if pipeline is not None:
        for stage in pipeline.stages:
            for kept in stage.body:
                stages.setdefault(kept, []).append(stage.name)
    else:
        for block in draft.blocks:
            for statement in draft.bodies[block.name]:
                stages.setdefault(Kept(statement.cell, statement.order), []).append(block.name)
    statements = {cell: tuple(body) for cell, body in groupby(draft.facts.statements, key=lambda s: s.cell)}
    return Destinations(draft, pipeline, {kept: tuple(names) for kept, names in stages.items()}, statements)


def code_fates(cell: Cell, found: Destinations) -> tuple[Fate, ...]:
    """What became of a code cell; never empty."""
    lines = max(1, cell.source.count("\n") + 1)
    if cell.role is Role.SKIP:
        return (Fate(1, lines, Outcome.SKIPPED, "tagged `skip`: not part of the pipeline"),)
    refused = [f for f in found.facts.findings if f.cell == cell.number and f.code == REFUSED_MAGIC]
    fates = [Fate(f.line, f.line, Outcome.REFUSED, f"{f.message} ({f.code})") for f in refused]
    if refused:
        why = "not analysed, because of the line that is refused"
        return (*fates, Fate(1, lines, Outcome.REFUSED, why))
    body = found.statements.get(cell.number, ())
    fates += list(_dropped_magics(cell))
    magic = {fate.first for fate in fates}
    for statement in body:
        if statement.kind is StatementKind.DISPLAY and statement.line in magic:
            continue  # the `pass` that stands where the magic stood
        outcome, why = _fate(statement, cell, found)
        fates.append(Fate(statement.line, statement.node.end_lineno or statement.line, outcome, why))
    if not fates:
        why = "the cell is empty" if not cell.source.strip() else "nothing but comments"
        return (Fate(1, lines, Outcome.EMPTY, why),)
    return _merged(sorted(fates, key=lambda f: (f.first, f.last)))


def _dropped_magics(cell: Cell) -> Iterator[Fate]:
    lines = cell.source.split("\n")
    left = list(cell.dropped)
    for number, line in enumerate(lines, start=1):
        if line.strip() in left:
            left.remove(line.strip())
            yield Fate(number, number, Outcome.DROPPED, "a magic that does nothing to the results")
    for text in left:
        yield Fate(1, 1, Outcome.DROPPED, f"`{short(text)}`: a magic that does nothing to the results")


def _merged(fates: list[Fate]) -> tuple[Fate, ...]:
    """Neighbours with one fate, as one."""
    result: list[Fate] = []
    for fate in fates:
        last = result[-1] if result else None
        if last is not None and (last.outcome, last.why) == (fate.outcome, fate.why):
            result[-1] = Fate(last.first, max(last.last, fate.last), last.outcome, last.why)
        else:
            result.append(fate)
    return tuple(result)


def _fate(statement: Statement, cell: Cell, found: Destinations) -> tuple[Outcome, str]:
    match statement.kind:
        case StatementKind.IMPORT:
            return Outcome.IMPORT, _import(statement, found)
        case StatementKind.DISPLAY:
            return Outcome.DROPPED, "shows something and does nothing else"
        case StatementKind.DEFINITION:
            name = next(iter(statement.flow.binds))
            return _definition(name, statement, found)
    kept = Kept(statement.cell, statement.order)
    stages = found.stages.get(kept, ())
    if statement.kind is StatementKind.SETTING:
        here = f"; runs in {counted(list(stages))} itself" if stages else ""
        return Outcome.SETTING, f"a process setting: replayed at the start of every later stage{here}"
    if stages:
        also = _contract(statement, found)
        return Outcome.STAGE, f"the body of {counted(list(stages))}{also}"
    return _lifted(statement, cell, found)


def _import(statement: Statement, found: Destinations) -> str:
    effects = {i.name for i in found.pipeline.effect_imports} if found.pipeline else set()
    if effects & statement.flow.may_bind:
        return "imported when the pipeline starts, for what importing it does"
    return "each module imports what it uses"


def _definition(name: str, statement: Statement, found: Destinations) -> tuple[Outcome, str]:
    placed: Placed = found.draft.placed[name]
    if placed.definition.cell != statement.cell:
        return Outcome.HELPER, f"`{name}` again, as in cell {placed.definition.cell}"
    match placed.placement:
        case Placement.HOISTED:
            return Outcome.HELPER, f"`{name}` goes to helpers.py as it stands"
        case Placement.EXTENDED:
            given = counted(sorted(placed.variables))
            return Outcome.HELPER, f"`{name}` goes to helpers.py, with what it reads as arguments: {given}"
    touched = sorted(placed.variables | placed.definition.writes)
    because = f", because it uses the variable{'s' if len(touched) > 1 else ''} {counted(touched)}" if touched else ""
    stages = found.stages.get(Kept(statement.cell, statement.order), ())
    where = f"stays inside {counted(list(stages))}" if stages else "would stay inside a stage, but none runs it"
    return Outcome.HELPER, f"`{name}` {where}{because}"


def _contract(statement: Statement, found: Destinations) -> str:
    contracts = found.pipeline.contracts if found.pipeline else ()
    tables = [c.artifact for c in contracts if statement.cell in c.cells]
    tables = tables if type(statement.node).__name__ == "Assert" else []
    return "; what it says of a table is in contracts.py, too" if tables else ""


def _lifted(statement: Statement, cell: Cell, found: Destinations) -> tuple[Outcome, str]:
    """A statement that stands in no stage: the config, helpers.py or a gate has it."""
    assigned = assigned_name(statement)
    name = assigned[0] if assigned else ""
    given = found.draft.given.get(name)
    if given is not None and Place(given.cell, given.line) == Place(statement.cell, statement.line):
        used = found.pipeline is None or any(p.key == given.key for p in found.pipeline.parameters)
        if used:
            return Outcome.PARAMETER, f"`{given.key}` in config/base.yaml"
        return Outcome.DROPPED, f"nothing in the pipeline reads `{name}`"
    if name in found.draft.constants:
        return Outcome.HELPER, f"the constant `{name}` goes to helpers.py, where functions read it"
    for threshold in found.draft.thresholds:
        if Place(threshold.cell, threshold.line) == Place(statement.cell, statement.line):
            key = f"gates.evaluation.{threshold.metric}.{threshold.bound}"
            return Outcome.GATE, f"the evaluation gate checks it: `{key}`"
    if cell.role in (Role.SETUP, Role.PARAMETERS):
        return Outcome.DROPPED, "no stage needs it"
    return Outcome.DROPPED, "no part of the pipeline holds it"


def prose_fates(draft: Draft) -> dict[int, Fate]:
    """What became of every cell that is not code, by its number."""
    notebook = draft.facts.notebook
    firsts = {block.cells[0].number: block for block in draft.blocks if block.cells and block.doc}
    notes = {number: block for block in draft.blocks for number, _ in block.notes}
    found: dict[int, Fate] = {}
    above: list[Cell] = []
    title = next((c.number for c in notebook.cells if c.source.strip()), 0)
    for cell in notebook.cells:
        if cell.kind is CellKind.MARKDOWN:
            above.append(cell)
            what = Outcome.TITLE if cell.number == title else Outcome.DROPPED
            why = "the title of the package" if cell.number == title else "prose that stands above no cell of a stage"
            found[cell.number] = _whole(cell, what, why)
        elif cell.kind is CellKind.RAW:
            found[cell.number] = _whole(cell, Outcome.DROPPED, "a raw cell: neither code nor prose")
        else:
            for prose in above:
                if cell.number in firsts:
                    why = f"the docstring of `{firsts[cell.number].name}`"
                    why += "; the title of the package" if prose.number == title else ""
                    found[prose.number] = _whole(prose, Outcome.DOCSTRING, why)
                elif cell.number in notes:
                    why = f"a comment in `{notes[cell.number].name}`, above what cell {cell.number} became"
                    found[prose.number] = _whole(prose, Outcome.COMMENT, why)
            above = []
    return found


def _whole(cell: Cell, outcome: Outcome, why: str) -> Fate:
    return Fate(1, max(1, cell.source.count("\n") + 1), outcome, why)
