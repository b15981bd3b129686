"""The plan: stages, artifacts, parameters and gates, as plain data that no engine is needed to read.

:func:`nb2pipe.pipeline.plan.plan` makes it from the facts of a notebook; :mod:`nb2pipe.emit` turns it into files.
Everything is frozen, and printing it tells what would be emitted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

CANONICAL_KINDS = ("load_data", "validate_data", "transform", "train", "evaluate", "package")


class ParameterKind(StrEnum):
    """Why a literal became a parameter; decides how ``config/base.yaml`` groups and comments it."""

    NOTEBOOK = "notebook"  # from the cell tagged `parameters`
    CONSTANT = "constant"  # a name bound once to a literal
    INPUT_PATH = "input path"
    OUTPUT_PATH = "output path"
    HYPERPARAMETER = "hyperparameter"
    COLUMNS = "columns"
    THRESHOLD = "threshold"


@dataclass(frozen=True)
class Parameter:
    """A typed value that the config supplies.

    Attributes:
        key: dotted config key, e.g. ``train.hist_gradient_boosting_classifier.max_iter``.
        value: the notebook's value.
        annotation: its type as Python writes it, e.g. ``int`` or ``list[str]``.
        cell: number of the notebook's cell that the value stood in (counted from 1).
        line: line within the cell (counted from 1).
    """

    key: str
    value: Any
    annotation: str
    kind: ParameterKind
    cell: int
    line: int


@dataclass(frozen=True)
class Import:
    """One imported name: ``import module as name``, or ``from module import attribute as name``."""

    module: str
    attribute: str | None
    name: str

    def statement(self) -> str:
        """The import as one line of Python."""
        if self.attribute is None:
            top = self.module.partition(".")[0]
            return f"import {self.module}" if self.name == top else f"import {self.module} as {self.name}"
        suffix = "" if self.name == self.attribute else f" as {self.name}"
        return f"from {self.module} import {self.attribute}{suffix}"


@dataclass(frozen=True)
class Artifact:
    """A value that crosses from ``stage`` to later ones. ``type`` is a dotted type name, ``None`` when unknown."""

    stage: str
    name: str
    type: str | None

    @property
    def address(self) -> str:
        """``stage.name``, as the config, the store and people write it."""
        return f"{self.stage}.{self.name}"


@dataclass(frozen=True)
class ColumnRule:
    """What an assert of the notebook says of a column: pandera keyword arguments as Python source."""

    column: str
    checks: tuple[str, ...] = ()  # e.g. ("pa.Check.in_range(1, 12)",)
    nullable: bool = True
    unique: bool = False


@dataclass(frozen=True)
class TableContract:
    """The schema of one table that crosses, read from the notebook's own asserts."""

    artifact: str  # "load_data.flights"
    columns: tuple[ColumnRule, ...]
    table_checks: tuple[str, ...] = ()
    cells: tuple[int, ...] = ()


@dataclass(frozen=True)
class Threshold:
    """A bound on a metric, lifted from an assert of an evaluate stage to ``gates.evaluation.<metric>.<bound>``."""

    metric: str
    bound: str  # "min" or "max"
    value: float
    cell: int
    line: int


@dataclass(frozen=True, order=True)
class Edit:
    """Replaces a span of a cell's source; an empty span inserts. Lines count from 1, columns are UTF-8 bytes from 0."""

    cell: int
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True, order=True)
class Kept:
    """A top-level statement of a cell that is emitted; ``order`` counts the cell's statements from 0.

    ``SHOW_FIGURES`` in place of an order stands for the ``plt.show()`` that a kernel does at the end of a cell.
    """

    cell: int
    order: int


SHOW_FIGURES = 1_000_000


@dataclass(frozen=True)
class Stage:
    """One stage as it will be emitted.

    Attributes:
        inputs: argument name -> artifact address.
        params: argument name -> parameter key.
        doc: the docstring, from the markdown above the stage.
        cells: numbers of the code cells that it was made from (counted from 1 over all cells).
        body: the statements that make the function's body, in order, and the edits to make on them.
        imports: what the body needs, by the names that the notebook gave.
        helpers: names that the body needs from ``helpers.py`` -> the name that it has in this module.
        nonlocals: whether functions inside the body bind its variables (``global`` becomes ``nonlocal``).
        shared_names: names in the body that live in ``helpers.py``.
        restores: those among them that an earlier stage bound -> artifact address.
        saves: those that later stages need.
        unbound_inputs: inputs that the notebook may have left unbound.
        unbound_outputs: outputs that the stage may leave unbound.
        asynchronous: whether the body awaits, so that the function is a coroutine.
        notes: markdown between the stage's cells, by the number of the code cell that it stands above.
    """

    name: str
    kind: str
    inputs: dict[str, str]
    params: dict[str, str]
    outputs: tuple[Artifact, ...]
    shared: tuple[tuple[str, ...], ...]
    metrics: tuple[str, ...]
    settings: tuple[str, ...]
    random_state: str | None
    saves_random_state: bool
    after: tuple[str, ...]
    cells: tuple[int, ...]
    doc: str
    body: tuple[Kept, ...] = ()
    edits: tuple[Edit, ...] = ()
    imports: tuple[Import, ...] = ()
    helpers: dict[str, str] = field(default_factory=dict)
    nonlocals: bool = False
    asynchronous: bool = False
    shared_names: frozenset[str] = frozenset()
    restores: dict[str, str] = field(default_factory=dict)
    saves: tuple[Artifact, ...] = ()
    unbound_inputs: frozenset[str] = frozenset()
    unbound_outputs: frozenset[str] = frozenset()
    input_types: dict[str, str | None] = field(default_factory=dict)
    notes: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Settings:
    """A function of ``pipeline.py`` that replays process settings; ``after`` is the stage whose cells make them."""

    name: str
    after: str | None
    statements: tuple[Kept, ...]
    imports: tuple[Import, ...]


@dataclass(frozen=True)
class Helpers:
    """What goes to ``helpers.py``: functions, classes, the constants that they read, and the variables they share.

    ``unsure`` says that a stage may read one of those variables where it is not bound.
    """

    body: tuple[Kept, ...] = ()
    edits: tuple[Edit, ...] = ()
    imports: tuple[Import, ...] = ()
    names: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    unsure: bool = False


@dataclass(frozen=True)
class Registration:
    """Which artifacts make the model version; addresses are ``stage.name``."""

    model: str
    signature: str | None
    example: str | None


@dataclass(frozen=True)
class Pipeline:
    """The whole plan."""

    name: str
    title: str
    description: str
    notebook_path: str  # relative to the package's folder, with forward slashes
    notebook_digest: str
    stages: tuple[Stage, ...]
    parameters: tuple[Parameter, ...]
    contracts: tuple[TableContract, ...]
    thresholds: tuple[Threshold, ...]
    registration: Registration | None
    distributions: tuple[str, ...]  # import names of the third-party packages that the code uses
    helpers: Helpers = Helpers()
    settings: tuple[Settings, ...] = ()
    effect_imports: tuple[Import, ...] = ()  # imported for what importing them does
    modules: dict[str, str] = field(default_factory=dict)  # text of those beside the notebook, by path
    changing_modules: tuple[str, ...] = ()
    sources: dict[int, str] = field(default_factory=dict)  # plain Python of each code cell that is used
    data_root: str = ""
    data_gate_before: str | None = None
    evaluation_gate_after: str | None = None

    def parameter(self, key: str) -> Parameter:
        """The parameter at a config key; raises ``KeyError`` when there is none."""
        for parameter in self.parameters:
            if parameter.key == key:
                return parameter
        raise KeyError(key)

    @property
    def data_files(self) -> tuple[str, ...]:
        """Config keys of the parameters that name input files."""
        return tuple(p.key for p in self.parameters if p.kind is ParameterKind.INPUT_PATH)
