"""The stages of a draft, what crosses between them, and the reason of every crossing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nb2pipe.analysis import Facts
from nb2pipe.explain.cells import CellFlow, surely_changes
from nb2pipe.explain.model import Crossing, Place, StageView
from nb2pipe.explain.words import binding_words, cells_in_words, change_words, counted, reading_words
from nb2pipe.pipeline import Pipeline
from nb2pipe.pipeline.crossing import StageNames, Step
from nb2pipe.pipeline.findings import Draft
from nb2pipe.pipeline.model import Parameter, ParameterKind, Stage
from nb2pipe.pipeline.randomness import random_chain

Groups = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class StageFlow:
    """A stage with the stages that its inputs come from, and the names that may share objects at its end."""

    names: StageNames
    steps: Sequence[Step]
    sources: Mapping[str, str]
    groups: Groups


def crossings_of(draft: Draft, flows: Mapping[int, CellFlow]) -> tuple[Crossing, ...]:
    """Everything that crosses, in the order of the stages that hand it on."""
    stages = _stage_flows(draft)
    found: list[Crossing] = []
    for position, stage in enumerate(stages):
        for name in sorted(stage.names.outputs):
            why = _why_handed_on(name, stage, draft, flows)
            takers = [s for s in stages[position + 1 :] if s.sources.get(name) == stage.names.name]
            for taker in takers:
                taken = _why_taken(name, taker, draft)
                found.append(Crossing(name, stage.names.name, taker.names.name, (*why, taken)))
            recorded = tuple(_why_recorded(name, stage.names.name, draft))
            if recorded:
                found.append(Crossing(name, stage.names.name, None, (*why, *recorded)))
    return tuple(found)


def stage_views(draft: Draft, pipeline: Pipeline | None) -> tuple[StageView, ...]:
    """Every stage; with the parameters and notes that only a whole ``pipeline`` has, where there is one."""
    cut = {stage.name: stage for stage in pipeline.stages} if pipeline else {}
    views: list[StageView] = []
    for block, flow in zip(draft.blocks, _stage_flows(draft), strict=True):
        stage = cut.get(block.name)
        views.append(
            StageView(
                name=block.name,
                kind=block.kind,
                cells=stage.cells if stage else tuple(cell.number for cell in block.cells),
                inputs=tuple(n for n in _ordered(flow.names) if n in flow.sources),
                outputs=tuple(sorted(flow.names.outputs)),
                parameters=tuple(_parameters(flow, draft, stage, pipeline)),
                notes=tuple(_notes(block.name, draft, stage, pipeline)),
            )
        )
    return tuple(views)


def _stage_flows(draft: Draft) -> list[StageFlow]:
    producers: dict[str, str] = {}
    groups: dict[str, frozenset[str]] = {}
    found: list[StageFlow] = []
    for names in draft.names:
        steps = draft.steps[names.name]
        sources = {name: producers[name] for name in names.inputs if name in producers}
        for one, other in sorted(pair for step in steps for pair in step.aliases):
            merged = groups.get(one, frozenset({one})) | groups.get(other, frozenset({other}))
            groups.update(dict.fromkeys(merged, merged))
        found.append(StageFlow(names, steps, sources, dict(groups)))
        producers.update(dict.fromkeys(names.outputs, names.name))
    return found


def _ordered(names: StageNames) -> list[str]:
    """Inputs in the order in which the stage reads them first, as its function takes them."""
    return [n for n in names.reads if n in names.inputs] + sorted(names.inputs - names.reads.keys())


def _why_handed_on(name: str, stage: StageFlow, draft: Draft, flows: Mapping[int, CellFlow]) -> tuple[str, ...]:
    """Why a stage hands a name on: it binds it, changes its object, or changes what may share an object with it."""
    facts = draft.facts
    reasons: list[str] = []
    bound = [step.statement for step in stage.steps if name in step.may_bind]
    if bound:
        reasons.append(f"bound {binding_words(name, bound[-1], facts)}")
    cells = dict.fromkeys(step.statement.cell for step in stage.steps)
    certain = [flows[cell].changes[name] for cell in cells if name in flows[cell].changes]
    guessed = [step.statement for step in stage.steps if name in step.mutates]
    if certain:
        reasons.append(str(certain[-1]))
    elif guessed and not bound:
        change = change_words(name, guessed[-1], facts)
        reasons.append(f"may be mutated in {change.place}: {change.words}")
    if not reasons:
        reasons += _why_together(name, stage, facts)
    if name in draft.shared:
        reasons.append("lives in helpers.py, where functions share it")
    return tuple(reasons)


def _why_together(name: str, stage: StageFlow, facts: Facts) -> Iterator[str]:
    peers = stage.groups.get(name, frozenset()) - {name}
    for step in reversed(stage.steps):
        for peer in sorted(peers & step.mutates):
            change = change_words(peer, step.statement, facts)
            sure = peer in step.statement.effects.certain and surely_changes(peer, step.statement, facts)
            how = f"`{stage.names.name}` {'changes' if sure else 'may change'} ({change.place}: {change.words})"
            yield f"may share an object with `{peer}`, which {how}"
            return
    together = sorted(peers & stage.names.outputs)
    if together:
        yield f"may share an object with {counted(together)}, and is handed on with it so that they still do"
        return
    yield f"`{stage.names.name}` may leave it as it was"


def _why_taken(name: str, taker: StageFlow, draft: Draft) -> str:
    stage = taker.names.name
    step = taker.names.reads.get(name)
    if step is not None:
        return f"read by `{stage}` {reading_words(name, step.statement, draft.facts)}"
    if name in draft.shared:
        return f"functions that `{stage}` runs may read it"
    bound = next((s.statement for s in taker.steps if name in s.may_bind), None)
    if bound is not None:
        return f"`{stage}` binds it only on some paths ({binding_words(name, bound, draft.facts)}) and hands it on"
    return f"passes through `{stage}`, together with what may share an object with it"


def _why_recorded(name: str, stage: str, draft: Draft) -> Iterator[str]:
    if name in draft.metrics.get(stage, ()):
        yield "recorded as a metric of the run"
    model = draft.model
    if model is not None and (stage, name) in model.extra_outputs:
        if name == model.model:
            yield "registered as the model"
        elif name == model.signature:
            yield "the signature of the model that is registered"
        elif name == model.example:
            yield "an example of what the model is given, kept with it"


def _parameters(
    flow: StageFlow, draft: Draft, stage: Stage | None, pipeline: Pipeline | None
) -> Iterator[tuple[str, str]]:
    if stage is not None and pipeline is not None:
        for key in stage.params.values():
            yield key, _origin(pipeline.parameter(key))
        return
    for name in _ordered(flow.names):
        if name not in flow.sources and name in draft.given:
            yield draft.given[name].key, _origin(draft.given[name])


def _origin(parameter: Parameter) -> str:
    kind = "parameter" if parameter.kind is ParameterKind.NOTEBOOK else parameter.kind.value
    return f"{kind} of {Place(parameter.cell, parameter.line)}"


def _notes(name: str, draft: Draft, stage: Stage | None, pipeline: Pipeline | None) -> Iterator[str]:
    """What a kernel kept and the runner now hands on: random state, settings, files; and gates to wait for."""
    chain = random_chain(draft)
    if name in chain:
        before, hands_on = chain[name]
        draws = [s.statement for s in draft.steps[name] if s.statement.effects.draws or s.statement.effects.seeds]
        where = f" ({Place(draws[0].cell, draws[0].line)})" if draws else " (what it calls may)"
        continues = f", and continues the random state of `{before}`" if before else ""
        yield f"seeds or draws random numbers{where}{continues}" + ("; hands its own on" if hands_on else "")
    if stage is None or pipeline is None:
        return
    for settings in pipeline.settings:
        if settings.name in stage.settings:
            cells = sorted({kept.cell for kept in settings.statements})
            yield f"starts with the settings of {cells_in_words(cells)}"
    for earlier in stage.after:
        gates = {pipeline.data_gate_before: "data quality", pipeline.evaluation_gate_after: "evaluation"}
        if earlier in gates:
            yield f"waits for the {gates[earlier]} gate at `{earlier}`"
        else:
            yield f"waits for `{earlier}`: both use files"
