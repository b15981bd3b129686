"""What a walk has found so far, and how it becomes :class:`~nb2pipe.analysis.model.Effects`."""

from __future__ import annotations

from collections.abc import Iterable

from nb2pipe.analysis.context import Context
from nb2pipe.analysis.model import Effects
from nb2pipe.analysis.trials import Types
from nb2pipe.analysis.values import NOTHING, Value, joined


class Ledger:
    """Keeps what code may change, share, draw and touch.

    Not its business: how that is found out.
    """

    def __init__(self, context: Context, types: Types) -> None:
        self.context = context
        self.types = types
        self.local: dict[str, Value] = {}
        self.mutates: set[str] = set()
        self.certain: set[str] = set()
        self.reasons: dict[str, str] = {}
        self.aliases: set[tuple[str, str]] = set()
        self.views: set[tuple[str, str]] = set()
        self.calls: set[str] = set()
        self.flags: set[str] = set()
        self.returns: list[Value] = []

    def effects(self) -> Effects:
        return Effects(
            mutates=frozenset(self.mutates),
            certain=frozenset(self.certain),
            aliases=frozenset(self.aliases),
            views=frozenset(self.views),
            calls=frozenset(self.calls),
            draws="draws" in self.flags,
            seeds="seeds" in self.flags,
            reads_files="reads" in self.flags,
            writes_files="writes" in self.flags,
            plots="plots" in self.flags,
            unknown_calls="unknown" in self.flags,
            process="process" in self.flags,
            reasons=dict(self.reasons),
        )

    def returned(self) -> Value:
        if not self.returns:
            return NOTHING
        first, *rest = self.returns
        kind = first.type
        for other in rest:
            kind = joined(kind, other.type)
        elements = first.elements if not rest else None
        roots = frozenset().union(*(v.shared for v in self.returns))
        return Value(kind, roots, any(v.view for v in self.returns), elements)

    def mutate(self, names: Iterable[str], why: str, line: int, guess: bool = False) -> None:
        for name in names:
            if name in self.context.imports:
                continue
            self.mutates.add(name)
            if not guess:
                self.certain.add(name)
            self.reasons.setdefault(name, f"{why} in line {line}")

    def alias(self, one: str, others: Iterable[str], view: bool = False) -> None:
        for other in others:
            if other != one and other not in self.context.imports:
                pair = (min(one, other), max(one, other))
                self.aliases.add(pair)
                if view:
                    self.views.add(pair)
