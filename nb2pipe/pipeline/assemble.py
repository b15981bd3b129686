"""A draft cut into stages, helpers, settings and contracts: the :class:`~nb2pipe.pipeline.model.Pipeline` itself."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nb2pipe.analysis import Facts, Statement, StatementKind
from nb2pipe.analysis.constructs import needs_event_loop
from nb2pipe.analysis.imports import all_modules
from nb2pipe.notebook import CellKind, Role
from nb2pipe.notebook.modules import imported_modules
from nb2pipe.notebook.trees import walk
from nb2pipe.pipeline.asserts import TableRules, table_rules
from nb2pipe.pipeline.constants import assigned_name, changes_folder
from nb2pipe.pipeline.crossing import StageNames
from nb2pipe.pipeline.extending import call_edits, own_namespace_edits, rename_edits, signature_edit
from nb2pipe.pipeline.figures import with_shown_figures
from nb2pipe.pipeline.findings import Draft
from nb2pipe.pipeline.lift import Keys, Lifted, lift
from nb2pipe.pipeline.literals import literal_value
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
)
from nb2pipe.pipeline.placing import Placement, referenced
from nb2pipe.pipeline.prose import docstring_text, title_and_description
from nb2pipe.pipeline.randomness import random_chain
from nb2pipe.pipeline.staging import Block, blocks_of


def assemble(draft: Draft, notebook_path: str) -> Pipeline:
    """The pipeline of a draft that nothing forbids."""
    facts = draft.facts
    known = [*draft.given.values(), *draft.shared_parameters.values()]
    keys = Keys(("data.root", "gates.evaluation", *(p.key for p in known)))
    chain = random_chain(draft)
    settings = _settings(draft)
    helpers = _helpers(draft)
    stages: list[Stage] = []
    first_write = _first_write(draft)
    used = [*_used_parameters(draft), *draft.shared_parameters.values()]
    parameters: dict[str, Parameter] = {p.key: _not_input_after(p, first_write) for p in used}
    producers: dict[str, str] = {}
    touched = ""
    moving = {statement.cell for statement in facts.statements if changes_folder(statement)}
    moved: list[str] = []  # stages that change the working directory, which must exist below them
    gated: list[str] = []  # stages with a gate: nothing below them starts before the gate has decided
    validate = next((b.name for b in draft.blocks if b.kind == "validate_data"), None)
    evaluate = next((b.name for b in reversed(draft.blocks) if b.kind == "evaluate"), None)
    for block, names in zip(draft.blocks, draft.names, strict=True):
        lifted = _lifted(block, draft, keys)
        lifted.parameters = [_not_input_after(p, first_write) for p in lifted.parameters]
        parameters.update({p.key: p for p in lifted.parameters})
        stage = _stage(block, names, draft, lifted, producers)
        effects = [s.statement.effects for s in draft.steps[block.name]]
        files = any(e.reads_files or e.writes_files or e.unknown_calls for e in effects)
        random_from, saves = chain.get(block.name, (None, False))
        stage = replace(stage, random_state=random_from, saves_random_state=saves)
        wanted = [*([touched] if (files or moved) and touched else []), *gated, *moved]
        for earlier in wanted:
            if earlier not in _upstream(stage, stages):
                stage = replace(stage, after=(*stage.after, earlier))
        stage = replace(
            stage,
            settings=tuple(s.name for s in settings if s.after is None or _comes_before(s.after, block.name, draft)),
        )
        moved += [block.name] if any(cell.number in moving for cell in block.cells) else []
        touched = block.name if files else touched
        gated += [block.name] if block.name in (validate, evaluate) else []
        producers.update(dict.fromkeys(names.outputs, block.name))
        stages.append(stage)
    title, description = title_and_description(facts.notebook)
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
        modules=dict(facts.notebook.modules),
        changing_modules=tuple(sorted(facts.changing_modules)),
        sources={c.number: c.code for c in facts.notebook.cells if c.kind is CellKind.CODE and c.code},
        data_root=notebook_path.rpartition("/")[0] or ".",
        data_gate_before=validate,
        evaluation_gate_after=evaluate,
    )


def _upstream(stage: Stage, earlier: Sequence[Stage]) -> set[str]:
    """Stages that end before this one starts, because of what crosses."""
    known = {s.name: s for s in earlier}
    found: set[str] = set()
    stack = _direct(stage)
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack += _direct(known[name])
    return found


def _direct(stage: Stage) -> list[str]:
    random_state = [stage.random_state] if stage.random_state else []
    return [
        *(artifact.partition(".")[0] for artifact in [*stage.inputs.values(), *stage.restores.values()]),
        *stage.after,
        *random_state,
    ]


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
        for node in walk(statement.node):
            if isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, ast.arg):
                names.add(node.arg)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                names.add(node.name)
    return names


def _nested(block: Block, draft: Draft) -> tuple[Statement, ...]:
    """Nested definitions of other cells that this stage runs; they go to its top."""
    used = frozenset().union(*(referenced(s, draft.facts) for s in draft.bodies[block.name]), frozenset())
    nested = {name for name in used if draft.placed[name].placement is Placement.NESTED}
    if not nested:
        return ()
    here = {cell.number for cell in block.cells}
    return tuple(s for s in draft.facts.made if s.cell not in here and next(iter(s.flow.binds)) in nested)


def _lifted(block: Block, draft: Draft, keys: Keys) -> Lifted:
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
    crossing = {n: f"{producers[n]}.{n}" for n in ordered if n in names.inputs and n in producers}
    inputs = {n: address for n, address in crossing.items() if n not in draft.shared}
    params = {n: draft.given[n].key for n in ordered if n in names.inputs - draft.shared and n not in producers}
    artifacts = [Artifact(block.name, n, _type(n, draft)) for n in _output_order(names)]
    given_to_shared = list(_shared_parameters(body, draft))
    params |= {argument: key for argument, key, _ in given_to_shared}
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
        edits += own_namespace_edits(statement.cell, statement.node)
    edits += [edit for _, _, edit in given_to_shared]
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
        outputs=tuple(artifact for artifact in artifacts if artifact.name not in draft.shared),
        shared=names.shared,
        metrics=tuple(sorted(draft.metrics.get(block.name, ()))),
        settings=(),
        random_state=None,
        saves_random_state=False,
        after=(),
        cells=_cells(block, body),
        doc=docstring_text(block.doc),
        body=kept,
        edits=tuple(sorted(edits)),
        imports=imports,
        helpers=helpers,
        nonlocals=writes,
        shared_names=draft.shared,
        restores={n: crossing[n] for n in sorted(crossing.keys() & draft.shared)},
        saves=tuple(artifact for artifact in artifacts if artifact.name in draft.shared),
        unbound_inputs=names.unsure_inputs & inputs.keys(),
        unbound_outputs=names.unsure_outputs - draft.shared,
        asynchronous=any(needs_event_loop(s.node, facts.imports) for s in body),
        input_types={n: _type(n, draft) for n in inputs},
        notes=block.notes,
    )


def _shared_parameters(body: Iterable[Statement], draft: Draft) -> Iterator[tuple[str, str, Edit]]:
    """Parameters of names that live in ``helpers.py``: argument, config key, and the edit that assigns the argument."""
    for statement in body:
        parameter = draft.shared_parameters.get(Kept(statement.cell, statement.order))
        found = assigned_name(statement)
        if parameter is not None and found is not None:
            name, value = found
            assert value.end_lineno is not None and value.end_col_offset is not None
            place = (value.lineno, value.col_offset, value.end_lineno, value.end_col_offset)
            yield f"{name}_value", parameter.key, Edit(statement.cell, *place, f"{name}_value")


def _cells(block: Block, body: Sequence[Statement]) -> tuple[int, ...]:
    """The cells of a stage; of the setup cells only those that it has code from."""
    numbers = [cell.number for cell in block.cells]
    if block.doc or any(cell.tagged for cell in block.cells):
        return tuple(numbers)
    used = {statement.cell for statement in body}
    return tuple(number for number in numbers if number in used) or tuple(numbers)


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
        shared=tuple(sorted(draft.shared - draft.facts.definitions.keys())),
        unsure=any(s.flow.asks & draft.shared for s in facts.statements),
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
    return tuple(
        _contract(stage.inputs[table], found)
        for table, found in rules.items()
        if stage.input_types.get(table) == TABLE or (stage.input_types.get(table) is None and found.columns)
    )


def _contract(artifact: str, rules: TableRules) -> TableContract:
    return TableContract(artifact, rules.columns, rules.checks, rules.cells)


TABLE = "pandas.DataFrame"

#: Modules whose import does nothing but define names; an unused import of theirs is left out.
QUIET_MODULES = frozenset(
    "IPython PIL catboost cv2 datasets joblib keras lightgbm matplotlib mlflow nltk numpy pandas plotly polars "
    "networkx pyarrow requests scipy seaborn statsmodels tensorflow torch torchvision tqdm transformers "
    "xgboost yaml".split()
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
    tops = {module.partition(".")[0] for module in all_modules(s.node for s in facts.statements)}
    own = {path.partition("/")[0].removesuffix(".py") for path in facts.notebook.modules}
    tops |= {top for text in facts.notebook.modules.values() for top in imported_modules(text)}
    return tuple(sorted(tops - own - set(sys.stdlib_module_names) - {"__future__"}))
