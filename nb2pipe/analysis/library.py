"""What calls into libraries do, looked up in the tables of ``knowledge/``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Call:
    """One row: the type of the result and the flags described in ``knowledge/README.md``."""

    returns: str
    flags: frozenset[str] = frozenset()

    def __contains__(self, flag: str) -> bool:
        return flag in self.flags


#: A call that no row names: it may do anything to what it can reach.
UNKNOWN = Call("", frozenset({"mutates self", "mutates all", "keeps", "shares", "draws", "unknown"}))


@dataclass(frozen=True)
class Library:
    """All tables, merged."""

    functions: Mapping[str, Call]
    methods: Mapping[str, Mapping[str, Call]]

    def function(self, path: str) -> Call:
        """The row for a dotted import path: itself, then its class row, then the longest module pattern."""
        exact = self.functions.get(path)
        if exact is not None:
            return exact
        is_class = path.rpartition(".")[2][:1].isupper()
        prefix = path
        while prefix := prefix.rpartition(".")[0]:
            row = (self.functions.get(f"{prefix}.*.Class") if is_class else None) or self.functions.get(f"{prefix}.*")
            if row is not None:
                return Call(path, row.flags) if row.returns == "class" else row
        return UNKNOWN

    def method(self, receiver: str | None, name: str) -> Call | None:
        """The row for a method of a known type; ``None`` when the type has no table."""
        if not receiver:
            return None
        table = self.methods.get(receiver.partition("[")[0])
        prefix = receiver.partition("[")[0]
        while table is None and (prefix := prefix.rpartition(".")[0]):
            table = self.methods.get(f"{prefix}.*")
        if table is None:
            return None
        return table.get(name) or table.get("*") or UNKNOWN

    def named_method(self, name: str) -> Call:
        """The row for a method of an object of unknown type, by its name alone."""
        return self.methods["*"].get(name, UNKNOWN)


@cache
def library() -> Library:
    """The tables of this installation."""
    functions: dict[str, Call] = {}
    methods: dict[str, dict[str, Call]] = {"*": {}}
    folder = resources.files("nb2pipe.analysis") / "knowledge"
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if not entry.name.endswith(".toml"):
            continue
        content = tomllib.loads(entry.read_text(encoding="utf-8"))
        functions.update({path: _row(row) for path, row in content.get("functions", {}).items()})
        for receiver, rows in content.get("methods", {}).items():
            table = methods.setdefault(receiver, {})
            for name, row in rows.items():
                table[name] = _merged(table[name], _row(row)) if receiver == "*" and name in table else _row(row)
    return Library(functions, methods)


def _row(row: list[str]) -> Call:
    return Call(row[0], frozenset(row[1:]))


def _merged(one: Call, other: Call) -> Call:
    """Two libraries give the same name to different methods: it may do what either does."""
    return Call(one.returns if one.returns == other.returns else "", one.flags | other.flags)
