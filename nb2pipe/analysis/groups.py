"""Names that may refer to common objects, in groups that merge as aliases are met."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet


class Groups:
    """A partition of names. The smaller group moves into the larger, so that merging many stays cheap."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._of: dict[str, set[str]] = {}
        self.join(pairs)

    def join(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Merges the groups of the two names of each pair."""
        for one, other in pairs:
            small, large = sorted((self._own(one), self._own(other)), key=len)
            if small is not large:
                large |= small
                self._of.update(dict.fromkeys(small, large))

    def of(self, name: str) -> AbstractSet[str]:
        """The group of a name, itself included; it grows with later joins."""
        return self._of.get(name) or {name}

    def around(self, names: Iterable[str]) -> set[str]:
        """The names, and all that share a group with one of them."""
        return set().union(*self._distinct(names))

    def partition(self, names: Iterable[str]) -> list[list[str]]:
        """Those of the names that share a group, group by group, in the order given."""
        found: dict[int | str, list[str]] = {}
        for name in names:
            found.setdefault(id(self._of[name]) if name in self._of else name, []).append(name)
        return list(found.values())

    def __iter__(self) -> Iterator[AbstractSet[str]]:
        return iter(self._distinct(self._of))

    def _distinct(self, names: Iterable[str]) -> list[AbstractSet[str]]:
        return list({id(group): group for group in map(self.of, names)}.values())

    def _own(self, name: str) -> set[str]:
        return self._of.setdefault(name, {name})


def closure(uses: Mapping[str, AbstractSet[str]]) -> dict[str, frozenset[str]]:
    """Name -> all that it uses, through others too, and itself. What is used has an entry of its own."""
    done: dict[str, frozenset[str]] = {}
    met: set[str] = set()
    for start in uses:
        stack = [start]
        while stack:
            name = stack[-1]
            if name not in met:  # first what it uses
                met.add(name)
                stack += uses[name] - met
            elif stack.pop() not in done:
                done[name] = frozenset(_reached(name, uses, done))
    return {name: done[name] for name in uses}


def _reached(name: str, uses: Mapping[str, AbstractSet[str]], done: Mapping[str, frozenset[str]]) -> set[str]:
    seen = {name}
    stack = [name]
    while stack:
        for used in sorted(uses[stack.pop()] - seen, key=lambda used: -len(done.get(used, ()))):
            if used in done and used not in seen:  # the largest come first, and bring the others along
                seen |= done[used]
            elif used not in seen:
                seen.add(used)
                stack.append(used)
    return seen
