"""Which stages may start: pure functions over the definition and what has ended."""

from __future__ import annotations

import os
from bisect import insort
from collections.abc import Collection
from dataclasses import dataclass

from nb2pipe.runtime.definition import Pipeline, Stage
from nb2pipe.runtime.errors import RunError

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0


@dataclass(frozen=True)
class Machine:
    """What stages share: CPUs, and bytes of memory."""

    cpus: float
    memory: int

    @classmethod
    def here(cls) -> Machine:
        """This machine."""
        try:
            memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (ValueError, OSError, AttributeError):  # a system that does not tell
            memory = 1 << 62
        return cls(os.cpu_count() or 1, memory)


def fits(stage: Stage, running: Collection[Stage], machine: Machine) -> bool:
    """Whether ``stage`` can run beside those that run; alone it always may.

    Only stages that ask for more than one CPU, or say how much memory they need, keep others from starting.
    """
    if not running:
        return True
    together = [stage, *running]
    cpus = sum(other.cpus for other in together)
    asked = any(other.cpus > 1 for other in together)
    memory = sum(other.memory for other in together)
    return (not asked or cpus <= machine.cpus) and memory <= machine.memory


def seconds_before_retry(attempt: int) -> float:
    """How long to wait after the ``attempt``-th try: 1 s, 2 s, 4 s, ... a minute."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (attempt - 1))


def check_graph(pipeline: Pipeline) -> None:
    """Refuse a definition whose stages cannot be put in an order or read what nobody makes."""
    names = [stage.name for stage in pipeline.stages]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise RunError(f"pipeline.py: two stages are called {doubled[0]}")
    earlier: dict[str, Stage] = {}
    for stage in pipeline.stages:
        for name in sorted(stage.upstream - set(earlier)):
            why = "comes later" if name in names else "does not exist"
            raise RunError(f"pipeline.py: stage {stage.name} needs stage {name}, which {why}")
        for artifact in stage.needs:
            producer, _, output = artifact.partition(".")
            if output not in earlier[producer].stored:
                raise RunError(f"pipeline.py: stage {stage.name} reads {artifact}, which {producer} does not make")
        earlier[stage.name] = stage


class Frontier:
    """Which stages may start: those whose upstream stages are all done. Each event costs as much as it changes."""

    def __init__(self, pipeline: Pipeline, chosen: Collection[str], done: Collection[str]) -> None:
        self._order = {stage.name: number for number, stage in enumerate(pipeline.stages)}
        self._missing = {
            stage.name: stage.upstream - set(done)
            for stage in pipeline.stages
            if stage.name in chosen and stage.name not in done
        }
        self._dependents: dict[str, list[str]] = {}
        for name, missing in self._missing.items():
            for upstream in missing:
                self._dependents.setdefault(upstream, []).append(name)
        self._may_start = [name for name, missing in self._missing.items() if not missing]

    def names(self) -> list[str]:
        """Those that may start and have not begun, in the notebook's order."""
        return list(self._may_start)

    def begun(self, name: str) -> None:
        """A stage has begun."""
        self._may_start.remove(name)

    def done(self, name: str) -> None:
        """A stage is done."""
        for dependent in self._dependents.get(name, ()):
            self._missing[dependent] -= {name}
            if not self._missing[dependent]:
                insort(self._may_start, dependent, key=self._order.__getitem__)


def ancestors(pipeline: Pipeline, *names: str) -> frozenset[str]:
    """Every stage that must end before all of ``names`` may start."""
    found: set[str] = set()
    open_ = list(names)
    while open_:
        new = pipeline.stage(open_.pop()).upstream - found
        found |= new
        open_.extend(new)
    return frozenset(found)


def descendants(pipeline: Pipeline, *names: str) -> frozenset[str]:
    """Every stage that may start only after one of ``names`` has ended."""
    found = set(names)
    for stage in pipeline.stages:  # notebook order: upstream comes first
        if stage.upstream & found:
            found.add(stage.name)
    return frozenset(found - set(names))


def chosen_stages(pipeline: Pipeline, only: str | None, from_stage: str | None) -> frozenset[str]:
    """The stages that ``--only`` or ``--from`` asks for; all of them without."""
    named = only or from_stage
    names = frozenset(stage.name for stage in pipeline.stages)
    if named is None:
        return names
    if named not in names:
        raise RunError(unknown_stage(pipeline, named))
    return frozenset({named}) if only else descendants(pipeline, named) | {named}


def unknown_stage(pipeline: Pipeline, name: str) -> str:
    """The message for a stage that is not there."""
    return f"{pipeline.name} has no stage {name!r}; its stages: {', '.join(s.name for s in pipeline.stages)}"
