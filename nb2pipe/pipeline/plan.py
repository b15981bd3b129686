"""The plan of a pipeline, made from facts in visible steps."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nb2pipe.analysis import Facts, Statement, StatementKind
from nb2pipe.analysis.values import NUMBERS
from nb2pipe.diagnostics import Diagnostic, Severity
from nb2pipe.notebook import CellKind, Role
from nb2pipe.pipeline.asserts import TableRules, table_rules, threshold_of
from nb2pipe.pipeline.constants import assigned_name, module_constants, steady_names
from nb2pipe.pipeline.crossing import StageNames, Step, crossings, names_of, step_of
from nb2pipe.pipeline.extending import call_edits, rename_edits, signature_edit
from nb2pipe.pipeline.figures import with_shown_figures
from nb2pipe.pipeline.findings import Draft, findings
from nb2pipe.pipeline.lift import Lifted, input_path_names, lift, path_names
from nb2pipe.pipeline.literals import Literal, literal_value
from nb2pipe.pipeline.model import (
    Artifact,
    Edit,
    Helpers,
    Import,
    Kept,
    Parameter,
    ParameterKind,
    Pipeline,
    Settings,
    Stage,
    TableContract,
    Threshold,
)
from nb2pipe.pipeline.placing import Placed, Placement, place, referenced
from nb2pipe.pipeline.prose import docstring_text, title_and_description
from nb2pipe.pipeline.randomness import random_chain
from nb2pipe.pipeline.registering import registration
from nb2pipe.pipeline.staging import SETUP, Block, blocks_of


@dataclass(frozen=True)
class Planned:
    """A pipeline, or the reasons why there is none."""

    pipeline: Pipeline | None
    findings: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that stop a conversion."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)


def plan(facts: Facts, notebook_path: str) -> Planned:
    """The pipeline that computes what the notebook computes; ``notebook_path`` is relative to the package's folder."""
    draft = _draft(facts)
    found = tuple(sorted({*facts.findings, *findings(draft)}))
    if any(f.severity is Severity.ERROR for f in found):
        return Planned(None, found)
    return Planned(_assemble(draft, notebook_path), found)


def _draft(facts: Facts) -> Draft:
    """Everything decided about names, before any code is cut."""
    blocks = _with_setup(blocks_of(facts.notebook), facts)
    variables = frozenset(
        name
        for s in facts.statements
        if s.kind not in (StatementKind.IMPORT, StatementKind.DEFINITION)
        for name in s.flow.may_bind
    ) | frozenset(name for d in facts.definitions.values() for name in d.writes)
    wanted = frozenset(name for d in facts.definitions.values() for name in d.free | d.evaluated) & variables
    constants = module_constants(facts, wanted)
    given, consumed = _given(facts, blocks, constants)
    statements = {block.name: _statements(block, facts) for block in blocks}
    placed = place(facts, variables, constants, {})
    thresholds = _thresholds(blocks, statements, facts)
    bodies: dict[str, tuple[Statement, ...]] = {}
    steps: dict[str, list[Step]] = {}
    for block in blocks:
        body = [
            s
            for s in statements[block.name]
            if _kept(s, placed, constants, block) and Kept(s.cell, s.order) not in consumed | thresholds.keys()
        ]
        bodies[block.name] = tuple(body)
        steps[block.name] = [step_of(s, facts, variables - constants) for s in body]
    live = [block for block in blocks if block.name != _setup_name(blocks) or bodies[block.name]]
    names = [names_of(block.name, steps[block.name]) for block in live]
    metrics = {b.name: _metrics(bodies[b.name], facts, given) for b in live if b.kind == "evaluate"}
    model = registration(live, bodies, facts)
    extra = {name: frozenset(found) for name, found in metrics.items()}
    if model is not None:
        for stage, handed in model.extra_outputs:
            extra[stage] = extra.get(stage, frozenset()) | {handed}
    crossed = crossings(names, steps, frozenset(given), extra)
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
    )


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
    numbers = {cell.number for cell in block.cells}
    return tuple(s for s in facts.statements if s.cell in numbers)


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
    from nb2pipe.analysis.effects import dotted_path

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


# assembly


def _assemble(draft: Draft, notebook_path: str) -> Pipeline:
    facts = draft.facts
    keys = {"data.root", "gates.evaluation", *(p.key for p in draft.given.values())}
    chain = random_chain(draft)
    settings = _settings(draft)
    helpers = _helpers(draft)
    stages: list[Stage] = []
    first_write = _first_write(draft)
    parameters: dict[str, Parameter] = {p.key: _not_input_after(p, first_write) for p in _used_parameters(draft)}
    producers: dict[str, str] = {}
    touched = ""
    for block, names in zip(draft.blocks, draft.names, strict=True):
        lifted = _lifted(block, draft, keys)
        lifted.parameters = [_not_input_after(p, first_write) for p in lifted.parameters]
        parameters.update({p.key: p for p in lifted.parameters})
        stage = _stage(block, names, draft, lifted, producers)
        effects = [s.statement.effects for s in draft.steps[block.name]]
        files = any(e.reads_files or e.writes_files or e.unknown_calls for e in effects)
        random_from, saves = chain.get(block.name, (None, False))
        stage = replace(
            stage,
            random_state=random_from,
            saves_random_state=saves,
            after=(touched,) if files and touched and touched not in _upstream(stage, stages) else (),
            settings=tuple(s.name for s in settings if s.after is None or _comes_before(s.after, block.name, draft)),
        )
        touched = block.name if files else touched
        producers.update(dict.fromkeys(names.outputs, block.name))
        stages.append(stage)
    title, description = title_and_description(facts.notebook)
    validate = next((b.name for b in draft.blocks if b.kind == "validate_data"), None)
    evaluate = next((b.name for b in reversed(draft.blocks) if b.kind == "evaluate"), None)
    return Pipeline(
        name=facts.notebook.name,
        title=title,
        description=description,
        notebook_path=notebook_path,
        notebook_digest=facts.notebook.digest,
        stages=tuple(stages),
        parameters=tuple(parameters.values()),
        contracts=_contracts(validate, stages, draft),
        thresholds=draft.thresholds,
        registration=draft.model.addresses(stages) if draft.model else None,
        distributions=_distributions(facts),
        helpers=helpers,
        settings=settings,
        effect_imports=_effect_imports(draft),
        sources={c.number: c.code for c in facts.notebook.cells if c.kind is CellKind.CODE and c.code},
        data_root=notebook_path.rpartition("/")[0] or ".",
        data_gate_before=validate,
        evaluation_gate_after=evaluate,
    )


def _upstream(stage: Stage, earlier: Sequence[Stage]) -> set[str]:
    """Stages that end before this one starts, because of what crosses."""
    known = {s.name: s for s in earlier}
    found: set[str] = set()
    stack = [artifact.partition(".")[0] for artifact in stage.inputs.values()]
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack += [artifact.partition(".")[0] for artifact in known[name].inputs.values()]
            stack += list(known[name].after)
    return found


def _first_write(draft: Draft) -> tuple[int, int]:
    """Cell and line of the first statement that may write a file; what is read below it need not be an input."""
    places = [
        (step.statement.cell, step.statement.line)
        for block in draft.blocks
        for step in draft.steps[block.name]
        if step.statement.effects.writes_files
    ]
    return min(places, default=(sys.maxsize, 0))


def _not_input_after(parameter: Parameter, written: tuple[int, int]) -> Parameter:
    if parameter.kind is ParameterKind.INPUT_PATH and (parameter.cell, parameter.line) >= written:
        return replace(parameter, kind=ParameterKind.OUTPUT_PATH)
    return parameter


def _comes_before(one: str, other: str, draft: Draft) -> bool:
    order = [block.name for block in draft.blocks]
    return order.index(one) < order.index(other)


def _used_parameters(draft: Draft) -> list[Parameter]:
    """Parameters that some stage takes; a value that nothing reads is not worth a line of config."""
    used: set[str] = set()
    produced: set[str] = set()
    for names in draft.names:
        used |= {name for name in names.inputs if name not in produced}
        produced |= names.outputs
    return [p for name, p in draft.given.items() if name in used]


def _names_in(statements: Iterable[Statement]) -> set[str]:
    names: set[str] = set()
    for statement in statements:
        for node in ast.walk(statement.node):
            if isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, ast.arg):
                names.add(node.arg)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                names.add(node.name)
    return names


def _nested(block: Block, draft: Draft) -> tuple[Statement, ...]:
    """Nested definitions of other cells that this stage runs; they go to its top."""
    here = {cell.number for cell in block.cells}
    used = frozenset().union(*(referenced(s, draft.facts) for s in draft.bodies[block.name]), frozenset())
    return tuple(
        s
        for s in draft.facts.statements
        if s.kind is StatementKind.DEFINITION
        and s.cell not in here
        and (name := next(iter(s.flow.binds))) in used
        and draft.placed[name].placement is Placement.NESTED
    )


def _lifted(block: Block, draft: Draft, keys: set[str]) -> Lifted:
    body = draft.bodies[block.name]
    names = _names_in([*body, *_nested(block, draft)])
    taken = names | draft.facts.imports.keys() | draft.facts.definitions.keys() | draft.constants | {block.name}
    taken |= next(n.inputs | n.outputs for n in draft.names if n.name == block.name)
    return lift(block.name, block.kind, body, draft.facts, taken, keys)


def _stage(block: Block, names: StageNames, draft: Draft, lifted: Lifted, producers: Mapping[str, str]) -> Stage:
    facts = draft.facts
    nested = _nested(block, draft)
    body = (*nested, *draft.bodies[block.name])
    ordered = [*names.reads, *sorted(names.inputs - names.reads.keys())]
    inputs = {n: f"{producers[n]}.{n}" for n in ordered if n in names.inputs and n in producers}
    params = {n: draft.given[n].key for n in ordered if n in names.inputs and n not in producers}
    used = _names_in(body)
    helpers = {n: n for n in sorted(used & _helper_names(draft))}
    clash = {block.name, _outputs_class(block.name)} & (helpers.keys() | facts.imports.keys())
    renames = {n: f"{n}_helper" for n in clash & helpers.keys()}
    helpers.update(renames)
    edits: list[Edit] = list(lifted.edits)
    extended = _extended(draft)
    for statement in body:
        source = facts.notebook.cell(statement.cell).code
        edits += call_edits(statement.cell, statement.node, source, extended)
        edits += rename_edits(statement.cell, statement.node, renames)
    kept, shows = with_shown_figures(body, facts)
    imports = _needed_imports(used, facts)
    if shows is not None and shows not in imports:
        imports = (*imports, shows)
    writes = any(facts.definitions[n].writes for s in body for n in referenced(s, facts))
    return Stage(
        name=block.name,
        kind=block.kind,
        inputs=inputs,
        params={**params, **lifted.params},
        outputs=tuple(Artifact(block.name, n, _type(n, draft)) for n in _output_order(names)),
        shared=names.shared,
        metrics=tuple(sorted(draft.metrics.get(block.name, ()))),
        settings=(),
        random_state=None,
        saves_random_state=False,
        after=(),
        cells=tuple(c.number for c in block.cells),
        doc=docstring_text(block.doc),
        body=kept,
        edits=tuple(sorted(edits)),
        imports=imports,
        helpers=helpers,
        nonlocals=writes,
        input_types={n: _type(n, draft) for n in inputs},
        notes=block.notes,
    )


def _outputs_class(stage: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in stage.split("_")) + "Outputs"


def _output_order(names: StageNames) -> list[str]:
    return sorted(names.outputs)


def _type(name: str, draft: Draft) -> str | None:
    kind = draft.facts.types.get(name)
    if kind is None and name in draft.given:
        return draft.given[name].annotation
    return kind


def _needed_imports(used: Iterable[str], facts: Facts) -> tuple[Import, ...]:
    found = {Import(i.module, i.attribute, i.name) for name in used for i in facts.imports.get(name, ())}
    return tuple(sorted(found, key=lambda i: i.statement()))


def _helper_names(draft: Draft) -> frozenset[str]:
    hoisted = {n for n, p in draft.placed.items() if p.placement is not Placement.NESTED}
    return frozenset(hoisted) | draft.constants


def _extended(draft: Draft) -> dict[str, frozenset[str]]:
    return {n: p.variables for n, p in draft.placed.items() if p.placement is Placement.EXTENDED}


def _helpers(draft: Draft) -> Helpers:
    facts = draft.facts
    names = _helper_names(draft)
    extended = _extended(draft)
    body: list[Statement] = []
    seen: set[str] = set()
    edits: list[Edit] = []
    for statement in facts.statements:
        if statement.kind is StatementKind.DEFINITION:
            name = next(iter(statement.flow.binds))
        else:
            found = assigned_name(statement)
            if not found or found[0] not in draft.constants:
                continue
            name = found[0]
        if name not in names or name in seen:
            continue
        seen.add(name)
        body.append(statement)
        source = facts.notebook.cell(statement.cell).code
        edits += call_edits(statement.cell, statement.node, source, extended)
        if name in extended:
            node = statement.node
            assert isinstance(node, ast.FunctionDef | ast.Assign)
            edits.append(signature_edit(statement.cell, node, source, extended[name]))
    return Helpers(
        body=tuple(Kept(s.cell, s.order) for s in body),
        edits=tuple(sorted(edits)),
        imports=_needed_imports(_names_in(body), facts),
        names=tuple(sorted(seen)),
    )


def _settings(draft: Draft) -> tuple[Settings, ...]:
    """One function for the setup cells' settings, and one for each stage that makes more of them."""
    stage_of = {cell.number: block.name for block in blocks_of(draft.facts.notebook) for cell in block.cells}
    found: dict[str | None, list[Statement]] = {}
    live = {block.name: block for block in draft.blocks}
    for statement in draft.facts.statements:
        if statement.kind is StatementKind.SETTING:
            stage = stage_of.get(statement.cell)
            role = draft.facts.notebook.cell(statement.cell).role
            found.setdefault(stage if stage in live and role is Role.STAGE else None, []).append(statement)
    return tuple(
        Settings(
            "notebook_settings" if stage is None else f"settings_of_{stage}",
            stage,
            tuple(Kept(s.cell, s.order) for s in statements),
            _needed_imports(_names_in(statements), draft.facts),
        )
        for stage, statements in found.items()
    )


def _contracts(validate: str | None, stages: Sequence[Stage], draft: Draft) -> tuple[TableContract, ...]:
    stage = next((s for s in stages if s.name == validate), None)
    if stage is None or validate is None:
        return ()
    values: dict[str, Any] = {name: p.value for name, p in draft.given.items()}
    for statement in draft.facts.statements:
        found = assigned_name(statement)
        if found and found[0] in draft.constants and (literal := literal_value(found[1])) is not None:
            values[found[0]] = literal.value
    rules = table_rules(draft.bodies[validate], stage.inputs, values)
    return tuple(_contract(stage.inputs[table], found) for table, found in rules.items())


def _contract(artifact: str, rules: TableRules) -> TableContract:
    return TableContract(artifact, rules.columns, rules.checks, rules.cells)


#: Modules whose import does nothing but define names; an unused import of theirs is left out.
QUIET_MODULES = frozenset(
    "numpy pandas matplotlib seaborn scipy torch torchvision plotly mlflow joblib tqdm IPython statsmodels polars pyarrow "
    "requests yaml PIL cv2 networkx xgboost lightgbm catboost tensorflow keras nltk transformers datasets".split()
)


def _effect_imports(draft: Draft) -> tuple[Import, ...]:
    """Imports that nothing uses by name, of modules that may do something when imported."""
    used = _names_in(draft.facts.statements)
    found: set[Import] = set()
    for name, entries in draft.facts.imports.items():
        for entry in entries:
            top = entry.module.partition(".")[0]
            quiet = top in QUIET_MODULES or top in sys.stdlib_module_names
            quiet |= top == "sklearn" and not entry.module.startswith("sklearn.experimental")
            if name not in used and not quiet:
                found.add(Import(entry.module, entry.attribute, entry.name))
    return tuple(sorted(found, key=lambda i: i.statement()))


def _distributions(facts: Facts) -> tuple[str, ...]:
    tops = {entry.module.partition(".")[0] for entries in facts.imports.values() for entry in entries}
    return tuple(sorted(tops - set(sys.stdlib_module_names) - {"__future__"}))
