"""A notebook as the compiler sees it: cells with their roles, source and places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nb2pipe.diagnostics import Diagnostic


class NotebookError(Exception):
    """The notebook cannot be read: one message that says what, where and how to mend it (exit code 2)."""


class CellKind(StrEnum):
    """nbformat's three kinds of cell."""

    CODE = "code"
    MARKDOWN = "markdown"
    RAW = "raw"


class Role(StrEnum):
    """What a code cell is to the pipeline."""

    SETUP = "setup"
    PARAMETERS = "parameters"
    STAGE = "stage"
    SKIP = "skip"


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        number: place in the notebook, counted from 1 over all cells, as people count.
        index: place among the code cells, counted from 0; ``None`` for other cells.
        source: the text as the author wrote it.
        code: the same as plain Python: magics translated, line for line; empty for other cells.
        stage: name of the stage that the cell belongs to, for cells with the role ``STAGE``.
        tagged: whether the stage tag stands on this very cell (and is not continued from above).
        dropped: magics that were left out because they do nothing to the results.
        refused: lines of the cell (from 1) that are magics without a translation, and their texts.
        implied: modules that translated magics use.
        written: names of the modules that the cell writes.
        appends: whether it appends to them.
    """

    number: int
    index: int | None
    kind: CellKind
    source: str
    code: str = ""
    role: Role | None = None
    stage: str | None = None
    tagged: bool = False
    tags: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()
    implied: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    appends: bool = False


@dataclass(frozen=True)
class Notebook:
    """A notebook, read and checked. ``digest`` covers what the conversion depends on: kinds, sources and tags.

    Attributes:
        siblings: import names that files beside the notebook answer to.
        modules: text of those that the notebook imports, by path within its folder.
    """

    name: str
    cells: tuple[Cell, ...]
    digest: str
    findings: tuple[Diagnostic, ...] = ()
    siblings: frozenset[str] = frozenset()
    modules: Mapping[str, str] = field(default_factory=dict)

    def cell(self, number: int) -> Cell:
        """The cell with this number, counted from 1."""
        return self.cells[number - 1]
