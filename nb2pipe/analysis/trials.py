"""Types of names that can be tried out: set along one branch, taken back, and set along the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

from nb2pipe.analysis.values import joined


class Types(dict[str, str | None]):
    """Name -> type, with trials: a trial costs what it changes, however many names there are."""

    def __init__(self, known: Mapping[str, str | None] | None = None) -> None:
        super().__init__(known or {})
        self._trials: list[tuple[set[str], dict[str, str | None]]] = []

    def __setitem__(self, name: str, kind: str | None) -> None:
        if self._trials:
            fresh, before = self._trials[-1]
            if name not in fresh and name not in before:
                if name in self:
                    before[name] = self[name]
                else:
                    fresh.add(name)
        super().__setitem__(name, kind)

    def begin(self) -> None:
        """Starts a trial; trials nest."""
        self._trials.append((set(), {}))

    def undo(self) -> dict[str, str | None]:
        """Takes back what was set since the trial began, and tells it."""
        fresh, before = self._trials.pop()
        after = {name: self[name] for name in (*fresh, *before)}
        for name in fresh:
            super().__delitem__(name)
        super().update(before)
        return after

    def join(self, ends: Sequence[Mapping[str, str | None]]) -> None:
        """What holds after one of several branches was taken, each told by what it sets."""
        for name in {name for end in ends for name in end}:
            kinds = [end[name] if name in end else self[name] for end in ends if name in end or name in self]
            self[name] = reduce(joined, kinds)
