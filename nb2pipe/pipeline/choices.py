"""What a first draft shows to be necessary: names that must live in ``helpers.py``, definitions that must be values.

Most functions are plain: they go to ``helpers.py`` and get the variables that they read as arguments, or they stay in
the stage that uses them. Where that would lose what a kernel keeps, three things are left to choose, and a draft is
made again with them until nothing more is needed:

* a variable that functions or classes of several stages share lives in ``helpers.py``, where they find it by its name;
* a function or class that changes (redefined, decorated with state, its attributes set, built from variables) is a
  value, made where its statement stands, and crosses like any other variable;
* a function whose variables may be unbound when it is called stays in the stage instead of getting them as arguments.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from nb2pipe.analysis import StatementKind
from nb2pipe.analysis.scopes import FunctionNode, scope_of
from nb2pipe.notebook.trees import children, walk
from nb2pipe.pipeline.crossing import run_step
from nb2pipe.pipeline.findings import Draft
from nb2pipe.pipeline.placing import Placed, Placement, referenced

#: Calls that use the functions they are given and let go of them.
PASSING = frozenset("sorted min max map filter apply transform agg aggregate sort reduce sum any all assign".split())


@dataclass(frozen=True)
class Choices:
    """See the module."""

    shared: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()
    nested: frozenset[str] = frozenset()


def necessary(draft: Draft, chosen: Choices) -> Choices:
    """``chosen``, and what else the draft made with it needs."""
    made = [
        chosen,
        *_of_values(draft),
        *_of_names_in_classes(draft),
        *_of_definitions(draft),
        *_of_handed_on(draft),
        *_of_stored_functions(draft),
        *_of_unbound(draft),
    ]
    return Choices(
        frozenset().union(*(choice.shared for choice in made)) & _bindable(draft),
        frozenset().union(*(choice.values for choice in made)),
        frozenset().union(*(choice.nested for choice in made)),
    )


def _bindable(draft: Draft) -> frozenset[str]:
    """Names that some statement of the pipeline, or a function of it, binds."""
    return (draft.variables - draft.constants) | draft.facts.values.keys()


def _of_values(draft: Draft) -> Iterator[Choices]:
    """A function that is a value finds what it reads, itself too, in ``helpers.py``."""
    for name, free in draft.facts.values.items():
        reached = frozenset().union(*(_variables(draft, callee) for callee in free & draft.placed.keys()), frozenset())
        yield Choices(shared=frozenset({name}) | free | reached)


def _of_names_in_classes(draft: Draft) -> Iterator[Choices]:
    """Names that Python treats differently in a class: it looks up its own names in no function around it."""
    for block in draft.blocks:
        for statement in draft.bodies[block.name]:
            for node in walk(statement.node):
                if isinstance(node, ast.ClassDef):
                    scope = scope_of(node)
                    yield Choices(shared=scope.evaluated & scope.locals & draft.variables)
    for stage in draft.names:  # a field with such a name would be private to its class
        yield Choices(shared=frozenset(n for n in stage.outputs if n.startswith("__") and not n.endswith("__")))


def _variables(draft: Draft, name: str) -> frozenset[str]:
    placed = draft.placed[name]
    return placed.variables | placed.definition.writes


def _of_definitions(draft: Draft) -> Iterator[Choices]:
    users = users_of(draft)
    bound = {name for s in draft.facts.statements for name in s.flow.may_bind}
    for name, entry in draft.placed.items():
        found = entry.definition
        stages = users.get(name, [])
        crosses = found.is_class and class_crosses(name, draft)
        if found.made_by_code:
            yield Choices(values=frozenset({name}))
            continue
        if found.state and not found.cached and (len(stages) > 1 or crosses):
            yield Choices(values=frozenset({name}))
            continue
        if entry.placement is not Placement.NESTED:
            continue
        home = draft.block_of.get(found.cell)
        elsewhere = any(stage != home for stage in stages)
        evaluated = found.evaluated & draft.variables - draft.constants
        if evaluated and (elsewhere or crosses):
            yield Choices(values=frozenset({name}))
        elif found.is_class and (len(stages) > 1 or elsewhere or crosses):
            yield Choices(shared=_variables(draft, name))
        if found.writes - bound:
            yield Choices(shared=_variables(draft, name))


def _of_handed_on(draft: Draft) -> Iterator[Choices]:
    """A function that stays in its stage, kept in something that leaves the stage."""
    nested = {name: entry for name, entry in draft.placed.items() if entry.placement is Placement.NESTED}
    for stage in draft.names:
        for step in draft.steps[stage.name]:
            kept = step.may_bind | step.mutates
            if step.statement.kind is StatementKind.DEFINITION or not kept & stage.outputs:
                continue
            calls = {id(n.func) for n in walk(step.statement.node) if isinstance(n, ast.Call)}
            for node in walk(step.statement.node):
                if isinstance(node, ast.Name) and node.id in nested and id(node) not in calls:
                    yield _out_of_its_stage(nested[node.id], draft)


def _of_stored_functions(draft: Draft) -> Iterator[Choices]:
    """A function without a name of its own, put into something that leaves the stage, reads variables when called."""
    for stage in draft.names:
        for step in draft.steps[stage.name]:
            statement = step.statement
            kept = (step.may_bind | step.mutates) & stage.outputs
            if statement.kind is StatementKind.DEFINITION or not any(_may_hold_functions(n, draft) for n in kept):
                continue
            for node in _functions_inside(statement.node):
                yield Choices(shared=scope_of(node).free & draft.variables)


def _may_hold_functions(name: str, draft: Draft) -> bool:
    kind = draft.facts.types.get(name)
    return name not in draft.facts.values and (kind is None or kind.startswith(("list", "dict", "tuple", "set")))


def _functions_inside(node: ast.AST) -> Iterator[FunctionNode]:
    """Functions that a statement makes, but for those that are only called while it runs."""
    if isinstance(node, ast.Call):
        func = node.func
        name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
        if name in PASSING:
            return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        yield node
        return
    for child in children(node):
        yield from _functions_inside(child)


def _out_of_its_stage(entry: Placed, draft: Draft) -> Choices:
    if entry.definition.evaluated & draft.variables - draft.constants:
        return Choices(values=frozenset({entry.definition.name}))
    return Choices(shared=_variables(draft, entry.definition.name))


def _of_unbound(draft: Draft) -> Iterator[Choices]:
    """A call passes on what a function reads, so that must be bound; the function itself might never look."""
    extended = {name: e.variables for name, e in draft.placed.items() if e.placement is Placement.EXTENDED}
    bound = dict.fromkeys(draft.given, True)
    for stage in draft.names:
        for step in draft.steps[stage.name]:
            for name in referenced(step.statement, draft.facts) & extended.keys():
                if not all(bound.get(variable, False) for variable in extended[name]):
                    yield Choices(nested=frozenset({name}))
            run_step(bound, step)


def users_of(draft: Draft) -> dict[str, list[str]]:
    """Definition -> stages in which it may run."""
    users: dict[str, list[str]] = {}
    for block in draft.blocks:
        for statement in draft.bodies[block.name]:
            for name in referenced(statement, draft.facts):
                if block.name not in users.setdefault(name, []):
                    users[name].append(block.name)
    return users


def class_crosses(cls: str, draft: Draft) -> bool:
    """Whether an instance of one of the notebook's classes may go from stage to stage."""
    return any(kind is None or f"notebook:{cls}" in kind for kind in draft.crossing_types)
