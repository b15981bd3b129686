"""Figures at the end of a cell: a kernel shows and closes them there, so the next cell starts a new one."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from nb2pipe.analysis import Facts, Statement
from nb2pipe.notebook.trees import walk
from nb2pipe.pipeline.model import SHOW_FIGURES, Import, Kept

PYPLOT = "matplotlib.pyplot"


def with_shown_figures(body: Sequence[Statement], facts: Facts) -> tuple[tuple[Kept, ...], Import | None]:
    """The body with a ``plt.show()`` after each cell that plots and is followed by one that does, too.

    Also the import of pyplot that this needs, when there is such a cell.
    """
    plotting = [s for s in body if s.effects.plots]
    cells = list(dict.fromkeys(s.cell for s in plotting))
    shown = {cell for cell in cells[:-1] if not _shows([s for s in plotting if s.cell == cell][-1])}
    kept: list[Kept] = []
    for position, statement in enumerate(body):
        kept.append(Kept(statement.cell, statement.order))
        last = position + 1 == len(body) or body[position + 1].cell != statement.cell
        if last and statement.cell in shown:
            kept.append(Kept(statement.cell, SHOW_FIGURES))
    return tuple(kept), pyplot(facts) if shown else None


def pyplot(facts: Facts) -> Import:
    """The notebook's own import of pyplot, or the usual one."""
    for entries in facts.imports.values():
        for entry in entries:
            if entry.target == PYPLOT:
                return Import(entry.module, entry.attribute, entry.name)
    return Import(PYPLOT, None, "plt")


def _shows(statement: Statement) -> bool:
    calls = [node.func for node in walk(statement.node) if isinstance(node, ast.Call)]
    return any(isinstance(func, ast.Attribute) and func.attr == "show" for func in calls)
