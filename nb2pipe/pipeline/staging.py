"""Which cells make which stage: setup, stages in notebook order, and second visits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nb2pipe.notebook import Cell, CellKind, Notebook, Role
from nb2pipe.pipeline.model import CANONICAL_KINDS

SETUP = "setup"
WHOLE = "main"


@dataclass(frozen=True)
class Block:
    """The code cells of one stage, with the markdown that goes with them.

    Attributes:
        doc: markdown directly above the first cell.
        notes: markdown above a later cell, by that cell's number.
    """

    name: str
    kind: str
    cells: tuple[Cell, ...]
    doc: tuple[str, ...] = ()
    notes: tuple[tuple[int, str], ...] = ()


def kind_of(stage: str) -> str:
    """The canonical name that starts ``stage`` (the longest one), or ``custom``."""
    matching = [kind for kind in CANONICAL_KINDS if stage == kind or stage.startswith(f"{kind}_")]
    return max(matching, key=len, default="custom")


def blocks_of(notebook: Notebook) -> tuple[Block, ...]:
    """Stages in notebook order, setup first when it has cells. A stage that comes back becomes ``<name>_2``."""
    tagged: set[str | None] = {c.stage for c in notebook.cells if c.stage}
    runs = _runs(notebook.cells, tagged)
    taken: set[str] = set()
    blocks: list[Block] = []
    for stage, cells, doc, notes in runs:
        name = stage
        count = 2
        while name in taken or (name != stage and name in tagged):
            name, count = f"{stage}_{count}", count + 1
        taken.add(name)
        blocks.append(Block(name, "custom" if stage in (SETUP, WHOLE) else kind_of(stage), tuple(cells), doc, notes))
    return tuple(blocks)


Run = tuple[str, Sequence[Cell], tuple[str, ...], tuple[tuple[int, str], ...]]


def _runs(cells: Iterable[Cell], tagged: set[str | None]) -> list[Run]:
    setup_name = SETUP if tagged else WHOLE
    while setup_name in tagged:
        setup_name = f"notebook_{setup_name}"
    setup: list[Cell] = []
    runs: list[tuple[str, list[Cell], list[str], list[tuple[int, str]]]] = []
    above: list[str] = []
    for cell in cells:
        if cell.kind is CellKind.MARKDOWN:
            above.append(cell.source)
        if cell.kind is not CellKind.CODE:
            continue
        if cell.role is Role.SETUP:
            setup.append(cell)
        elif cell.role is Role.STAGE and cell.stage:
            if not runs or runs[-1][0] != cell.stage:
                runs.append((cell.stage, [], list(above), []))
            elif above:
                runs[-1][3].append((cell.number, "\n\n".join(above)))
            runs[-1][1].append(cell)
        above = []
    head: list[Run] = [(setup_name, setup, (), ())] if setup else []
    return head + [(name, found, tuple(doc), tuple(notes)) for name, found, doc, notes in runs]
