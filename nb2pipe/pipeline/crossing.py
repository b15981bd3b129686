"""What crosses between stages: liveness over the notebook's order, widened by what may have changed in place.

Reference semantics is one namespace. A stage must hand on every name that it binds, or whose object it may change, and
that a later stage reads; names that may refer to a common object are handed on together, as one object graph.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nb2pipe.analysis import Facts, Statement
from nb2pipe.analysis.groups import Groups
from nb2pipe.analysis.values import ITERATORS, NOT_STORABLE, is_immutable


@dataclass(frozen=True)
class Step:
    """One statement as the crossing sees it: its names, with those of the functions that it may run."""

    statement: Statement
    reads: frozenset[str]
    must_bind: frozenset[str]
    may_bind: frozenset[str]
    mutates: frozenset[str]
    aliases: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class StageNames:
    """The names of one stage.

    Attributes:
        reads: read before the stage itself binds them; with the step that reads them first.
        inputs: names that the stage needs from before, whether from an artifact or a parameter.
        outputs: names that it hands on.
        shared: groups of outputs that may refer to common objects.
        unsure_inputs: inputs that may be unbound when the stage starts.
        unsure_outputs: outputs that may be unbound when it ends.
    """

    name: str
    reads: Mapping[str, Step]
    must_bind: frozenset[str]
    may_bind: frozenset[str]
    mutated: frozenset[str]
    deletes: frozenset[str]
    inputs: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()
    shared: tuple[tuple[str, ...], ...] = ()
    live_after: frozenset[str] = frozenset()
    unsure_inputs: frozenset[str] = frozenset()
    unsure_outputs: frozenset[str] = frozenset()


def step_of(
    statement: Statement, facts: Facts, variables: frozenset[str], shared: frozenset[str] = frozenset()
) -> Step:
    """A statement's names, those of the functions it may run included.

    Code that is not known may run any function of the notebook, and so touch all that functions share.
    """
    reads = set(statement.flow.reads)
    may_bind = set(statement.flow.may_bind)
    mutates = set(statement.effects.mutates)
    for name in _runs(statement, facts):
        found = facts.definitions[name]
        reads |= found.free | found.evaluated
        may_bind |= found.writes
        mutates |= found.effects.mutates & found.free
    aliases = set(statement.effects.aliases)
    if shared and (statement.effects.unknown_calls or statement.effects.calls):
        mutates |= shared
        may_bind |= frozenset().union(*(d.writes for d in facts.definitions.values()))
        aliases |= {(name, other) for name in statement.flow.reads | statement.flow.may_bind for other in shared}
    return Step(
        statement=statement,
        reads=frozenset(reads & variables),
        must_bind=frozenset(statement.flow.binds & variables),
        may_bind=frozenset(may_bind & variables),
        mutates=frozenset(n for n in mutates & variables if not is_immutable(facts.types.get(n))),
        aliases=frozenset(pair for pair in aliases if not any(is_immutable(facts.types.get(name)) for name in pair)),
    )


def _runs(statement: Statement, facts: Facts) -> frozenset[str]:
    from nb2pipe.pipeline.placing import referenced

    return referenced(statement, facts)


def names_of(name: str, steps: Sequence[Step]) -> StageNames:
    """The names of a stage from its steps, in order."""
    reads: dict[str, Step] = {}
    must: set[str] = set()
    may: set[str] = set()
    mutated: set[str] = set()
    deletes: set[str] = set()
    for step in steps:
        for read in sorted(name for name in step.reads if name not in must):
            reads.setdefault(read, step)
        mutated |= step.mutates
        must |= step.must_bind
        must -= step.statement.flow.deletes
        may |= step.may_bind
        deletes -= step.may_bind
        deletes |= surely_deleted(step)
    return StageNames(name, reads, frozenset(must), frozenset(may), frozenset(mutated), frozenset(deletes))


def crossings(
    stages: Sequence[StageNames],
    steps: Mapping[str, Sequence[Step]],
    given: frozenset[str],
    extra_outputs: Mapping[str, frozenset[str]],
    shared: frozenset[str] = frozenset(),
) -> tuple[StageNames, ...]:
    """Inputs, outputs and shared groups of every stage.

    Args:
        given: names that parameters bind before the first stage.
        extra_outputs: names that a stage hands to the runner although no stage reads them (metrics, a signature).
        shared: names that any stage may read through a function; they go through all of them.
    """
    live_after = _live_after(stages, shared)
    groups = Groups()
    bound = dict.fromkeys(given, True)
    result: list[StageNames] = []
    for stage, live in zip(stages, live_after, strict=True):
        for step in steps[stage.name]:
            groups.join(step.aliases)
        start = dict(bound)
        bound = bound_after(bound, steps[stage.name])
        known = bound.keys()
        outputs = live & known & (stage.may_bind | groups.around(stage.mutated))
        outputs |= groups.around(outputs) & live & known
        needed = set(stage.reads) | (outputs - stage.must_bind) | shared
        inputs = {name for name in needed if name in start}
        everything = outputs | (extra_outputs.get(stage.name, frozenset()) & known)
        result.append(
            StageNames(
                stage.name,
                stage.reads,
                stage.must_bind,
                stage.may_bind,
                stage.mutated,
                stage.deletes,
                frozenset(inputs),
                frozenset(everything),
                _partition(everything, groups),
                frozenset(live),
                frozenset(name for name in inputs if not start[name]),
                frozenset(name for name in everything if not bound[name]),
            )
        )
    return tuple(result)


def surely_deleted(step: Step) -> frozenset[str]:
    """Names that are gone once the statement has run."""
    return step.statement.flow.deletes if isinstance(step.statement.node, ast.Delete) else frozenset()


def bound_after(bound: Mapping[str, bool], steps: Iterable[Step]) -> dict[str, bool]:
    """Names that may be bound after some steps, and whether they surely are."""
    after = dict(bound)
    for step in steps:
        run_step(after, step)
    return after


def run_step(bound: dict[str, bool], step: Step) -> None:
    """Brings ``bound`` (see :func:`bound_after`) up to date with one step."""
    gone = surely_deleted(step)
    for name in gone:
        bound.pop(name, None)
    for name in step.statement.flow.deletes - gone:
        if name in bound:
            bound[name] = False
    for name in step.may_bind:
        bound[name] = bound.get(name, False) or name in step.must_bind


def _live_after(stages: Sequence[StageNames], shared: frozenset[str]) -> list[set[str]]:
    live: set[str] = set()
    result: list[set[str]] = []
    for stage in reversed(stages):
        result.append(set(live))
        live = set(stage.reads) | (live - stage.must_bind - stage.deletes) | shared
    return result[::-1]


def _partition(names: Iterable[str], groups: Groups) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(members) for members in groups.partition(sorted(names)) if len(members) > 1)


def not_storable(kind: str | None) -> str | None:
    """Why values of a type cannot be stored, in words; ``None`` when they can, or when the type is unknown."""
    if kind is None:
        return None
    return NOT_STORABLE.get(kind) or (
        "an iterator" if kind in ITERATORS - {"zip", "map", "filter", "enumerate", "iterator"} else None
    )
