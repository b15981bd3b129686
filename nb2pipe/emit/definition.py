"""``pipeline.py``: the definition; the only file of the package that imports ``nb2pipe.runtime``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nb2pipe.emit.annotations import import_block
from nb2pipe.emit.contracts import schema_name
from nb2pipe.emit.source import code_of, quoted, statements
from nb2pipe.pipeline.model import Import, Pipeline, Settings, Stage

RUNTIME = "nb2pipe.runtime"
EXPORTED = ("Pipeline", "RunOptions", "Stage", "run", "step")


def definition_module(pipeline: Pipeline) -> str:
    """The module, not yet formatted."""
    names = [*EXPORTED]
    names += ["DataQuality"] if pipeline.data_gate_before else []
    names += ["Evaluation"] if pipeline.evaluation_gate_after else []
    names += ["Registration"] if pipeline.registration else []
    imports = [Import(RUNTIME, name, name) for name in names]
    imports += [Import(pipeline.name, "helpers", "helpers")] if pipeline.helpers.shared else []
    imports += [i for settings in pipeline.settings for i in settings.imports]
    functions = _function_names(pipeline, {i.name for i in imports})
    imports += [Import(f"{pipeline.name}.stages.{s.name}", s.name, functions[s.name]) for s in pipeline.stages]
    imports += [
        Import(f"{pipeline.name}.contracts", schema_name(c.artifact), schema_name(c.artifact))
        for c in pipeline.contracts
    ]
    effects = "".join(
        f"{entry.statement()}  # noqa: F401  imported for what importing it does\n" for entry in pipeline.effect_imports
    )
    head = quoted(f"The definition of the pipeline {pipeline.name}: what runs, in what order, and what may stop it.")
    settings = "\n\n".join(_settings(s, pipeline) for s in pipeline.settings)
    exported = ", ".join(repr(name) for name in ("PIPELINE", "RunOptions", "run", "step"))
    stages = ",\n".join(_stage(stage, functions[stage.name]) for stage in pipeline.stages)
    arguments = [f"name={pipeline.name!r}", f"stages=(\n{stages},\n)"]
    gates = _gates(pipeline)
    if gates:
        arguments.append(f"gates=({', '.join(gates)},)")
    if pipeline.registration:
        given = {
            "model": pipeline.registration.model,
            "signature": pipeline.registration.signature,
            "example": pipeline.registration.example,
        }
        arguments.append(f"registration=Registration({_keywords(given)})")
    if pipeline.changing_modules:
        arguments.append(f"modules={_tuple(pipeline.changing_modules)}")
    if pipeline.helpers.shared:
        arguments.append("namespace=helpers")
    if pipeline.data_files:
        arguments.append(f"data_files={_tuple(pipeline.data_files)}")
    body = ",\n".join(arguments)
    return (
        f"{head}\n\n{import_block(imports)}{effects}\n\n__all__ = [{exported}]\n\n{settings}\n\n"
        f"PIPELINE = Pipeline(\n{body},\n)\n"
    )


def _function_names(pipeline: Pipeline, taken: set[str]) -> dict[str, str]:
    """Names of the stage functions in this module; one that is taken gets an ending."""
    return {s.name: f"{s.name}_stage" if s.name in taken | {"PIPELINE"} else s.name for s in pipeline.stages}


def _stage(stage: Stage, function: str) -> str:
    arguments = [function, f"kind={stage.kind!r}"]
    if stage.inputs:
        arguments.append(f"inputs={_mapping(stage.inputs)}")
    if stage.params:
        arguments.append(f"params={_mapping(stage.params)}")
    if stage.outputs:
        arguments.append(f"outputs={_tuple([artifact.name for artifact in stage.outputs])}")
    if stage.restores:
        arguments.append(f"restores={_mapping(stage.restores)}")
    if stage.saves:
        arguments.append(f"saves={_tuple([artifact.name for artifact in stage.saves])}")
    if stage.shared:
        arguments.append(f"shared=({', '.join(_tuple(group) for group in stage.shared)},)")
    if stage.metrics:
        arguments.append(f"metrics={_tuple(stage.metrics)}")
    if stage.settings:
        arguments.append(f"settings=({', '.join(stage.settings)},)")
    if stage.random_state:
        arguments.append(f"random_state={stage.random_state!r}")
    if stage.saves_random_state:
        arguments.append("saves_random_state=True")
    if stage.after:
        arguments.append(f"after={_tuple(stage.after)}")
    arguments.append(f"cells={_tuple(stage.cells)}")
    return f"Stage({', '.join(arguments)},)"


def _gates(pipeline: Pipeline) -> list[str]:
    gates = []
    if pipeline.data_gate_before:
        schemas = ", ".join(f"{c.artifact!r}: {schema_name(c.artifact)}" for c in pipeline.contracts)
        given = f", schemas={{{schemas}}}" if schemas else ""
        gates.append(f"DataQuality(before={pipeline.data_gate_before!r}{given})")
    if pipeline.evaluation_gate_after:
        gates.append(f"Evaluation(after={pipeline.evaluation_gate_after!r})")
    return gates


def _settings(settings: Settings, pipeline: Pipeline) -> str:
    body = code_of(statements(settings.statements, (), pipeline.sources))
    where = "in its setup cells" if settings.after is None else f"in the cells of {settings.after}"
    doc = quoted(f"Process settings that the notebook makes {where}; made again before each stage that they reach.")
    lines = "".join(f"    {line}\n" if line else "\n" for line in body.split("\n"))
    return f"def {settings.name}() -> None:\n    {doc}\n{lines}"


def _mapping(values: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key!r}: {value!r}" for key, value in values.items()) + "}"


def _tuple(values: Iterable[object]) -> str:
    return repr(tuple(values))


def _keywords(values: Mapping[str, str | None]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in values.items() if value is not None)
