"""The plan of a pipeline, made from facts in visible steps."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from nb2pipe.analysis import Facts, Statement, StatementKind, analyse
from nb2pipe.analysis.values import NUMBERS
from nb2pipe.diagnostics import Diagnostic, Severity
from nb2pipe.notebook import Role
from nb2pipe.pipeline.assemble import assemble
from nb2pipe.pipeline.asserts import threshold_of
from nb2pipe.pipeline.choices import Choices, necessary
from nb2pipe.pipeline.constants import assigned_name, module_constants, steady_names
from nb2pipe.pipeline.crossing import Step, crossings, names_of, step_of
from nb2pipe.pipeline.findings import Draft, findings
from nb2pipe.pipeline.lift import input_path_names, path_names
from nb2pipe.pipeline.literals import Literal, literal_value
from nb2pipe.pipeline.model import (
    Kept,
    Parameter,
    ParameterKind,
    Pipeline,
    Threshold,
)
from nb2pipe.pipeline.placing import Placed, Placement, place
from nb2pipe.pipeline.registering import registration
from nb2pipe.pipeline.staging import SETUP, Block, blocks_of


@dataclass(frozen=True)
class Planned:
    """A pipeline, or the reasons why there is none; and the draft that both were made from."""

    pipeline: Pipeline | None
    findings: tuple[Diagnostic, ...]
    draft: Draft

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that stop a conversion."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)


def plan(facts: Facts, notebook_path: str) -> Planned:
    """The pipeline that computes what the notebook computes; ``notebook_path`` is relative to the package's folder."""
    draft = draft_of(facts)
    facts = draft.facts
    found = tuple(sorted({*facts.findings, *findings(draft)}))
    if any(f.severity is Severity.ERROR for f in found):
        return Planned(None, found, draft)
    return Planned(assemble(draft, notebook_path), found, draft)


def draft_of(facts: Facts) -> Draft:
    """Everything decided about names, before any code is cut; drafted again until nothing more must be chosen."""
    chosen = Choices()
    while True:
        draft = _draft(facts, chosen)
        wider = necessary(draft, chosen)
        if wider == chosen:
            return draft
        if wider.values != chosen.values:
            facts = analyse(facts.notebook, wider.values)
        chosen = wider


def _draft(facts: Facts, chosen: Choices) -> Draft:
    blocks = _with_setup(blocks_of(facts.notebook), facts)
    variables = frozenset(
        name
        for s in facts.statements
        if s.kind not in (StatementKind.IMPORT, StatementKind.DEFINITION)
        for name in s.flow.may_bind
    ) | frozenset(name for d in facts.definitions.values() for name in d.writes)
    wanted = frozenset(name for d in facts.definitions.values() for name in d.free | d.evaluated) & variables
    constants = module_constants(facts, wanted)
    constants -= chosen.shared
    shared = chosen.shared & variables
    given, consumed = _given(facts, blocks, constants)
    shared_parameters = {
        kept: given[name] for kept, name in consumed.items() if name in shared and _is_parameter(kept, facts)
    }
    given = {name: parameter for name, parameter in given.items() if name not in shared}
    consumed = {kept: name for kept, name in consumed.items() if name not in shared}
    statements = {block.name: _statements(block, facts) for block in blocks}
    placed = place(facts, variables, constants, chosen.nested, shared)
    thresholds = _thresholds(blocks, statements, facts)
    replaced = consumed.keys() | thresholds.keys()
    own = variables - constants
    bodies: dict[str, tuple[Statement, ...]] = {}
    steps: dict[str, list[Step]] = {}
    for block in blocks:
        body = [
            s
            for s in statements[block.name]
            if _kept(s, placed, constants, block) and Kept(s.cell, s.order) not in replaced
        ]
        bodies[block.name] = tuple(body)
        steps[block.name] = [step_of(s, facts, own, shared) for s in body]
    live = [block for block in blocks if block.name != _setup_name(blocks) or bodies[block.name]]
    names = [names_of(block.name, steps[block.name]) for block in live]
    metrics = {b.name: _metrics(bodies[b.name], facts, given) for b in live if b.kind == "evaluate"}
    model = registration(live, bodies, facts)
    extra = {name: frozenset(found) for name, found in metrics.items()}
    if model is not None:
        for stage, handed in model.extra_outputs:
            extra[stage] = extra.get(stage, frozenset()) | {handed}
    crossed = crossings(names, steps, frozenset(given), extra, shared)
    return Draft(
        facts=facts,
        blocks=tuple(live),
        bodies=bodies,
        steps=steps,
        names=crossed,
        placed=placed,
        variables=variables,
        constants=constants,
        given=given,
        metrics=metrics,
        thresholds=tuple(thresholds.values()),
        model=model,
        shared=shared,
        shared_parameters=shared_parameters,
    )


def _is_parameter(kept: Kept, facts: Facts) -> bool:
    return facts.notebook.cell(kept.cell).role is Role.PARAMETERS


def _setup_name(blocks: Sequence[Block]) -> str:
    return blocks[0].name if blocks and blocks[0].name.endswith(SETUP) else ""


def _with_setup(blocks: tuple[Block, ...], facts: Facts) -> tuple[Block, ...]:
    """Cells tagged ``parameters`` are read with the setup: what they derive is computed there."""
    cells = [c for c in facts.notebook.cells if c.role is Role.PARAMETERS]
    if not cells:
        return blocks
    name = _setup_name(blocks)
    if not name:
        return (Block(SETUP, "custom", tuple(cells)), *blocks)
    head = replace(blocks[0], cells=tuple(sorted((*blocks[0].cells, *cells), key=lambda c: c.number)))
    return (head, *blocks[1:])


def _statements(block: Block, facts: Facts) -> tuple[Statement, ...]:
    return tuple(statement for cell in block.cells for statement in facts.of_cell(cell))


def _kept(statement: Statement, placed: Mapping[str, Placed], constants: frozenset[str], block: Block) -> bool:
    if statement.kind in (StatementKind.IMPORT, StatementKind.DISPLAY):
        return False
    if statement.kind is StatementKind.SETTING:
        return block.name != SETUP and not block.name.endswith("_setup")
    if statement.kind is StatementKind.DEFINITION:
        name = next(iter(statement.flow.binds))
        return placed[name].placement is Placement.NESTED
    found = assigned_name(statement)
    return not (found and found[0] in constants)


def _given(
    facts: Facts, blocks: Sequence[Block], constants: frozenset[str]
) -> tuple[dict[str, Parameter], dict[Kept, str]]:
    """Names that the config binds, and the assignments that this replaces."""
    steady = steady_names(facts)
    stage_of = {cell.number: block.name for block in blocks for cell in block.cells}
    files, paths = input_path_names(facts.statements, facts), path_names(facts.statements, facts)
    early = _read_early(facts)
    bound: dict[str, int] = {}
    for statement in facts.statements:
        if facts.notebook.cell(statement.cell).role in (Role.PARAMETERS, Role.SETUP):
            for name in statement.flow.may_bind:
                bound[name] = bound.get(name, 0) + 1
    given: dict[str, Parameter] = {}
    consumed: dict[Kept, str] = {}
    for statement in facts.statements:
        found = assigned_name(statement)
        if found is None or statement.kind is not StatementKind.CODE or found[0] in constants or found[0] in early:
            continue
        name, value = found
        cell = facts.notebook.cell(statement.cell)
        if cell.role is Role.PARAMETERS and bound[name] == 1 and name not in given:
            literal, section, kind = literal_value(value), "parameters", ParameterKind.NOTEBOOK
        elif name in steady and not name.startswith("_"):
            literal, section, kind = _constant(value, facts), stage_of[statement.cell], ParameterKind.CONSTANT
            if literal is None or literal.value is None or literal.value in ([], {}, ""):
                continue
        else:
            continue
        if literal is None:
            continue
        if name in files and literal.annotation in ("str", "Path"):
            kind = ParameterKind.INPUT_PATH
        elif name in paths and kind is ParameterKind.CONSTANT:
            kind = ParameterKind.OUTPUT_PATH
        given[name] = Parameter(
            f"{section}.{name}", literal.value, literal.annotation, kind, statement.cell, statement.line
        )
        consumed[Kept(statement.cell, statement.order)] = name
    return given, consumed


def _constant(value: ast.expr, facts: Facts) -> Literal | None:
    """A literal, or ``Path("literal")``."""
    from nb2pipe.analysis.context import dotted_path

    if (
        isinstance(value, ast.Call)
        and dotted_path(value.func, facts.imports) == "pathlib.Path"
        and len(value.args) == 1
    ):
        inner = literal_value(value.args[0])
        return Literal(inner.value, "Path") if inner and inner.annotation == "str" and not value.keywords else None
    return literal_value(value)


def _read_early(facts: Facts) -> frozenset[str]:
    """Names that some statement reads before any has bound them; the config must not bind those earlier."""
    seen: set[str] = set()
    early: set[str] = set()
    for statement in facts.statements:
        early |= statement.flow.reads - seen - statement.flow.binds
        seen |= statement.flow.may_bind
    return frozenset(early)


def _thresholds(
    blocks: Sequence[Block], statements: Mapping[str, Sequence[Statement]], facts: Facts
) -> dict[Kept, Threshold]:
    """Asserts of evaluate stages that become thresholds, and so leave the stage."""
    found: dict[Kept, Threshold] = {}
    for block in blocks:
        if block.kind == "evaluate":
            metrics = _metrics(statements[block.name], facts, {})
            for statement in statements[block.name]:
                threshold = threshold_of(statement, metrics)
                taken = {(t.metric, t.bound) for t in found.values()}
                if threshold is not None and (threshold.metric, threshold.bound) not in taken:
                    found[Kept(statement.cell, statement.order)] = threshold
    return found


def _metrics(body: Iterable[Statement], facts: Facts, given: Mapping[str, Parameter]) -> dict[str, str | None]:
    """Names bound in an evaluate stage that hold numbers, or dictionaries of them."""
    found: dict[str, str | None] = {}
    for statement in body:
        simple = isinstance(statement.node, ast.Assign | ast.AnnAssign)
        for name in sorted(statement.flow.binds if simple else ()):
            kind = facts.types.get(name)
            numeric = kind in NUMBERS[1:3] or (kind or "").startswith("dict")
            if numeric and not name.startswith("_") and name not in given:
                found[name] = kind
    return found
