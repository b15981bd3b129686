"""``stages/<stage>.py``: one plain typed function, and the dataclass that names its results."""

from __future__ import annotations

import re

import libcst as cst

from nb2pipe.emit import unbound
from nb2pipe.emit.annotations import Annotator, import_block
from nb2pipe.emit.qualify import qualified
from nb2pipe.emit.source import code_of, quoted, statements, with_nonlocals
from nb2pipe.pipeline.model import Import, Pipeline, Stage


def outputs_class(stage: str) -> str:
    """``load_data`` → ``LoadDataOutputs``."""
    return "".join(part[:1].upper() + part[1:] for part in stage.split("_")) + "Outputs"


def stage_module(stage: Stage, pipeline: Pipeline) -> str:
    """The module of one stage, not yet formatted."""
    pyplot = next((i.name for i in stage.imports if "pyplot" in (i.module + str(i.attribute))), "plt")
    body = statements(stage.body, stage.edits, pipeline.sources, dict(stage.notes), pyplot)
    if stage.nonlocals:
        body = with_nonlocals(body)
    helpers_name = helpers_module_name(stage)
    if stage.shared_names:
        body = qualified(body, stage.shared_names, helpers_name)
    taken = frozenset(stage.inputs) | frozenset(stage.params) | frozenset(a.name for a in stage.outputs)
    annotator = Annotator(list(stage.imports), frozenset(pipeline.helpers.names), taken)
    signature = _signature(stage, pipeline, annotator)
    results = _results(stage, annotator)
    function = _function(stage, signature, body)
    helpers = {name: name for name in annotator.used_helpers} | stage.helpers
    imports = [*stage.imports, *annotator.added]
    imports += [Import(f"{pipeline.name}.helpers", name, alias) for name, alias in helpers.items()]
    if stage.shared_names and re.search(rf"\b{helpers_name}\b", code_of(body)):
        imports.append(Import(pipeline.name, "helpers", helpers_name))
    imports += unbound.unbound_imports(stage, pipeline)
    if stage.outputs:
        imports.append(Import("dataclasses", "dataclass", "dataclass"))
    head = quoted(f"Stage {stage.name}, from {_cells(stage.cells)} of the notebook.")
    return f"{head}\n\n{import_block(imports)}\n\n{results}\n\n{function}"


def helpers_module_name(stage: Stage) -> str:
    """What a stage calls the module of the helpers: another name where the notebook has a use for this one."""
    used = {*stage.inputs, *stage.params, *stage.helpers, *stage.shared_names, *(i.name for i in stage.imports)}
    return "helpers_module" if "helpers" in used | {a.name for a in stage.outputs} else "helpers"


def _cells(cells: tuple[int, ...]) -> str:
    if len(cells) == 1:
        return f"cell {cells[0]}"
    return f"cells {', '.join(str(cell) for cell in cells[:-1])} and {cells[-1]}"


def _signature(stage: Stage, pipeline: Pipeline, annotator: Annotator) -> str:
    inputs = [
        f"{name}: {_optional(annotator.write(stage.input_types.get(name)), name in stage.unbound_inputs)}"
        for name in stage.inputs
    ]
    params = [f"{name}: {annotator.write(pipeline.parameter(key).annotation)}" for name, key in stage.params.items()]
    arguments = [*inputs, *(["*", *params] if params else [])]
    returns = outputs_class(stage.name) if stage.outputs else "None"
    word = "async def" if stage.asynchronous else "def"
    return f"{word} {stage.name}({', '.join(arguments)}) -> {returns}: pass"


def _results(stage: Stage, annotator: Annotator) -> str:
    if not stage.outputs:
        return ""
    fields = "\n".join(
        f"    {artifact.name}: {_optional(annotator.write(artifact.type), artifact.name in stage.unbound_outputs)}"
        for artifact in stage.outputs
    )
    doc = quoted(f"What the stage {stage.name} hands on.")
    return f"@dataclass(frozen=True)\nclass {outputs_class(stage.name)}:\n    {doc}\n\n{fields}\n"


def _optional(annotation: str, may_be_unbound: bool) -> str:
    return f"{annotation} | {unbound.TYPE}" if may_be_unbound else annotation


def _handed_on(name: str, stage: Stage) -> str:
    """An output as a keyword argument; ``locals()`` knows which names are bound."""
    return f"{name}=locals().get({name!r}, {unbound.MARK})" if name in stage.unbound_outputs else f"{name}={name}"


def _function(stage: Stage, signature: str, body: list[cst.SimpleStatementLine | cst.BaseCompoundStatement]) -> str:
    function = cst.ensure_type(cst.parse_statement(signature), cst.FunctionDef)
    doc = stage.doc or f"Stage {stage.name}."
    lines: list[cst.BaseStatement] = [cst.parse_statement(quoted(_indented(doc)))]
    lines += [
        cst.parse_statement(f"if {name} is {unbound.MARK}:\n    del {name}\n")
        for name in stage.inputs
        if name in stage.unbound_inputs
    ]
    lines += body
    if stage.outputs:
        given = ", ".join(_handed_on(artifact.name, stage) for artifact in stage.outputs)
        lines.append(cst.parse_statement(f"return {outputs_class(stage.name)}({given})"))
    block = cst.IndentedBlock(body=lines)
    return code_of([function.with_changes(body=block)])


def _indented(doc: str) -> str:
    """Later lines of a docstring stand under its first one."""
    first, *rest = doc.split("\n")
    return "\n".join([first, *(f"    {line}" if line else "" for line in rest)]) + ("\n    " if rest else "")
