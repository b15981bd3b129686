"""Where in the notebook something happens, and the words that say so."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from nb2pipe.analysis import Facts, Statement
from nb2pipe.explain.model import Change, Place
from nb2pipe.notebook.trees import walk
from nb2pipe.pipeline.placing import referenced

LONGEST_WORDS = 120


def binding_place(name: str, statement: Statement) -> Place:
    """Where a statement binds ``name``: the line of the name itself when it stands there, else its first line."""
    return Place(statement.cell, _line(name, ast.Store, statement))


def binding_words(name: str, statement: Statement, facts: Facts) -> str:
    """``in cell 4, line 2``, with the function that binds it through ``global`` where the statement does not."""
    writers = sorted(d for d in referenced(statement, facts) if name in facts.definitions[d].writes)
    through = f", by `{writers[0]}`" if writers and name not in statement.flow.may_bind else ""
    return f"in {binding_place(name, statement)}{through}"


def reading_place(name: str, statement: Statement) -> Place:
    """Where a statement reads ``name``."""
    return Place(statement.cell, _line(name, ast.Load, statement))


def reading_words(name: str, statement: Statement, facts: Facts) -> str:
    """``in cell 9, line 1``, with the function through which it is read when the statement does not name it."""
    if name in statement.flow.reads:
        return f"in {reading_place(name, statement)}"
    readers = sorted(d for d in referenced(statement, facts) if name in facts.definitions[d].free)
    through = next((d for d in readers if d in statement.flow.reads), next(iter(readers), ""))
    place = reading_place(through, statement) if through else Place(statement.cell, statement.line)
    return f"in {place}" + (f", through `{through}`" if through else "")


def change_words(name: str, statement: Statement, facts: Facts, through: str = "") -> Change:
    """How a statement changes the object of ``name`` in place; ``through`` is the alias that reaches it."""
    phrase, found, line = statement.effects.reasons.get(name, "").rpartition(" in line ")
    if found and line.isdigit():
        inside = next(iter(helpers_that(phrase, statement, facts)), "")
        where = f", in `{inside}`" if inside else ""
        return Change(Place(statement.cell, int(line)), short(phrase.rstrip(",")) + where, through)
    changers = sorted(
        d
        for d in referenced(statement, facts)
        if name in facts.definitions[d].effects.mutates & facts.definitions[d].free
    )
    words = f"by `{changers[0]}`" if changers else "by what the line runs"
    return Change(Place(statement.cell, statement.line), words, through)


def helpers_that(phrase: str, statement: Statement, facts: Facts) -> list[str]:
    """The functions in which a statement does what ``phrase`` says; empty when it does so itself."""
    called = phrase.split("`")[1] if phrase.count("`") > 1 else ""
    if called and f"{called}(" in ast.unparse(statement.node):
        return []
    return sorted(
        name
        for name in referenced(statement, facts)
        if any(why.rpartition(" in line ")[0] == phrase for why in facts.definitions[name].effects.reasons.values())
    )


def short(text: str) -> str:
    """Text of bounded length, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_WORDS else f"{line[: LONGEST_WORDS - 1]}…"


def counted(names: list[str]) -> str:
    """``a``; ``a and b``; ``a, b and c``, each in backticks."""
    marked = [f"`{name}`" for name in names]
    return " and ".join([", ".join(marked[:-1]), marked[-1]] if len(marked) > 1 else marked)


def cells_in_words(numbers: Sequence[int]) -> str:
    """``cell 2``; ``cells 2, 5``."""
    return f"cell{'s' if len(numbers) != 1 else ''} {', '.join(map(str, numbers))}"


def _line(name: str, context: type[ast.expr_context], statement: Statement) -> int:
    lines = [
        node.lineno
        for node in walk(statement.node)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, context)
    ]
    return min(lines, default=statement.line)
