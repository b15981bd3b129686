"""What the analysis knows of a notebook: the effects of each statement and the summaries of its definitions."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from nb2pipe.analysis.groups import closure
from nb2pipe.diagnostics import Diagnostic
from nb2pipe.notebook import Cell, Notebook


class StatementKind(StrEnum):
    """What becomes of a statement."""

    IMPORT = "import"
    DEFINITION = "definition"  # a function or class at the top level of a cell
    SETTING = "setting"  # process state that later stages need again
    DISPLAY = "display"  # shows a value and does nothing else
    CODE = "code"


@dataclass(frozen=True)
class ImportedName:
    """``import module as name`` (``attribute`` is ``None``) or ``from module import attribute as name``."""

    module: str
    attribute: str | None
    name: str

    @property
    def target(self) -> str:
        """The dotted path that the name stands for."""
        if self.attribute is not None:
            return f"{self.module}.{self.attribute}"
        top = self.module.partition(".")[0]
        return top if self.name == top else self.module


@dataclass(frozen=True)
class Flow:
    """Names of the notebook's namespace that a piece of code touches.

    Attributes:
        reads: read before the code itself has certainly bound them.
        binds: bound on every path.
        may_bind: bound on some path, those in ``binds`` included.
        loop_binds: bound by a loop that runs at least once (a subset of ``may_bind``).
        deletes: deleted and not bound again.
        asks: names among ``reads`` that may be unbound there: the code asks whether they are, or catches the error.
    """

    reads: frozenset[str] = frozenset()
    binds: frozenset[str] = frozenset()
    may_bind: frozenset[str] = frozenset()
    loop_binds: frozenset[str] = frozenset()
    deletes: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Effects:
    """What executing a piece of code may do beyond binding names.

    Attributes:
        mutates: names whose objects may change in place.
        certain: those among them that known code changes; for the others, caution speaks.
        aliases: pairs of names that may refer to a common object afterwards.
        views: the pairs among them that may share memory which storing does not keep.
        calls: the notebook's functions and classes that may run.
        process: changes an object that belongs to the process, such as a logger.
        reasons: name -> why it counts as mutated, for people.
    """

    mutates: frozenset[str] = frozenset()
    certain: frozenset[str] = frozenset()
    aliases: frozenset[tuple[str, str]] = frozenset()
    views: frozenset[tuple[str, str]] = frozenset()
    calls: frozenset[str] = frozenset()
    draws: bool = False
    seeds: bool = False
    reads_files: bool = False
    writes_files: bool = False
    plots: bool = False
    unknown_calls: bool = False
    process: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Definition:
    """A function, class, or lambda bound to a name, at the top level of a cell.

    Attributes:
        free: names of the notebook's namespace that it reads when it runs.
        evaluated: names that it reads when it is defined (decorators, defaults, base classes).
        writes: names that it binds through ``global``.
        locals: names that are its own.
        state: what it keeps between calls, in words; empty when nothing.
        made_by_code: whether making it runs code of the notebook.
        cached: whether that is a cache, which no store can hold.
    """

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign
    cell: int
    free: frozenset[str]
    evaluated: frozenset[str]
    writes: frozenset[str]
    locals: frozenset[str]
    effects: Effects
    state: str = ""
    cached: bool = False
    made_by_code: bool = False

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return isinstance(self.node, ast.ClassDef)


@dataclass(frozen=True)
class Statement:
    """One top-level statement of a cell. ``order`` counts the statements of the cell from 0."""

    node: ast.stmt
    cell: int
    order: int
    kind: StatementKind
    flow: Flow
    effects: Effects
    imports: tuple[ImportedName, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> int:
        """Line within the cell, counted from 1."""
        return self.node.lineno


@dataclass(frozen=True)
class Facts:
    """Everything known of a notebook, statement by statement in notebook order.

    Attributes:
        statements: those of cells that are not skipped.
        skipped: those of cells tagged ``skip``, for telling what the pipeline would miss.
        values: functions and classes that are values like others, made where their statement stands; with the names
            that they read when they run.
        changing_modules: modules beside the notebook whose variables code may change.
        types: name -> type, where every binding of the name agrees.
    """

    notebook: Notebook
    statements: tuple[Statement, ...]
    skipped: tuple[Statement, ...]
    definitions: Mapping[str, Definition]
    imports: Mapping[str, tuple[ImportedName, ...]]
    types: Mapping[str, str]
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    changing_modules: frozenset[str] = frozenset()
    findings: tuple[Diagnostic, ...] = ()

    def of_cell(self, cell: Cell) -> tuple[Statement, ...]:
        """The statements of one cell."""
        return self.by_cell.get(cell.number, ())

    @cached_property
    def by_cell(self) -> dict[int, tuple[Statement, ...]]:
        """Cell number -> its statements."""
        found: dict[int, list[Statement]] = {}
        for statement in (*self.statements, *self.skipped):
            found.setdefault(statement.cell, []).append(statement)
        return {number: tuple(statements) for number, statements in found.items()}

    @cached_property
    def made(self) -> tuple[Statement, ...]:
        """The statements that are definitions."""
        return tuple(statement for statement in self.statements if statement.kind is StatementKind.DEFINITION)

    @cached_property
    def reach(self) -> dict[str, frozenset[str]]:
        """Definition -> the definitions that running it may run, itself included."""
        uses = {
            name: (found.free | found.evaluated | found.effects.calls) & self.definitions.keys()
            for name, found in self.definitions.items()
        }
        return closure(uses)
