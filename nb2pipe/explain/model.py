"""What an explanation says. Plain frozen data; JSON, the table, the graph and the page are made from it alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nb2pipe.diagnostics import Diagnostic


@dataclass(frozen=True, order=True)
class Place:
    """A line of a cell; both count from 1, the cell over all cells of the notebook."""

    cell: int
    line: int

    def __str__(self) -> str:
        return f"cell {self.cell}, line {self.line}"


class Outcome(StrEnum):
    """What became of a piece of the notebook."""

    STAGE = "stage"
    PARAMETER = "parameter"
    HELPER = "helper"
    IMPORT = "import"
    SETTING = "setting"
    GATE = "gate"
    DOCSTRING = "docstring"
    COMMENT = "comment"
    TITLE = "title"
    DROPPED = "dropped"
    SKIPPED = "skipped"
    REFUSED = "refused"
    EMPTY = "empty"


@dataclass(frozen=True)
class Fate:
    """What became of some lines of a cell, and why. Lines count from 1; a whole cell may have one fate."""

    first: int
    last: int
    outcome: Outcome
    why: str


@dataclass(frozen=True)
class Change:
    """A variable whose object is changed in place: where, and in words how."""

    place: Place
    words: str
    through: str = ""  # the alias by which the object was reached, when it was another name

    def __str__(self) -> str:
        if self.through:
            return f"mutated through alias `{self.through}` in {self.place}: {self.words}"
        return f"mutated in {self.place}: {self.words}"


@dataclass(frozen=True)
class CellView:
    """One cell. What it reads and binds are variables; functions, classes and imports stand apart.

    Attributes:
        number: counted from 1 over all cells, as people count.
        index: counted from 0 over the code cells; ``None`` for other cells.
        role: ``stage``, ``setup``, ``parameters``, ``skip``, ``markdown`` or ``raw``.
        stage: the stage that its code runs in; ``None`` when none of it does.
        reads: variables of other cells that it uses before it binds them, through the functions it calls too.
        binds: variables that it binds.
        changes: variables of earlier cells -> how their objects are changed in place, for certain.
        may_change: those that caution alone counts as changed.
        uses: functions, classes and imports of other cells.
        defines: functions and classes.
        imports: names bound by import statements.
    """

    number: int
    index: int | None
    role: str
    stage: str | None
    source: str
    tags: tuple[str, ...]
    fates: tuple[Fate, ...]
    reads: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    changes: tuple[tuple[str, Change], ...] = ()
    may_change: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()

    @property
    def mutates(self) -> tuple[str, ...]:
        """Variables of earlier cells whose objects the cell changes in place."""
        return tuple(name for name, _ in self.changes)

    @property
    def first_line(self) -> str:
        """The first line that is not empty."""
        return next((line.strip() for line in self.source.split("\n") if line.strip()), "")


@dataclass(frozen=True)
class Crossing:
    """A name that goes from one stage to another (``target`` is ``None``: to the record of the run) and why."""

    name: str
    source: str
    target: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class StageView:
    """One stage.

    Attributes:
        cells: numbers of its cells.
        inputs: artifacts that it takes.
        outputs: artifacts that it hands on.
        parameters: config keys, with where each value stood.
        notes: what it needs besides artifacts, only because a kernel kept it: random state, settings, files, gates.
    """

    name: str
    kind: str
    cells: tuple[int, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """Everything that can be said of a notebook. ``converts`` tells whether nothing stands in the way."""

    name: str
    cells: tuple[CellView, ...]
    stages: tuple[StageView, ...]
    crossings: tuple[Crossing, ...]
    findings: tuple[Diagnostic, ...]
    converts: bool

    @property
    def code_cells(self) -> tuple[CellView, ...]:
        """The cells that hold code."""
        return tuple(cell for cell in self.cells if cell.index is not None)

    def into(self, stage: str) -> tuple[Crossing, ...]:
        """What crosses into a stage."""
        return tuple(c for c in self.crossings if c.target == stage)

    def out_of(self, stage: str) -> tuple[Crossing, ...]:
        """What a stage hands on."""
        return tuple(c for c in self.crossings if c.source == stage)
