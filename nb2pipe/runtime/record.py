"""What a run leaves behind: the typed content of ``run.json``.

The record is the interface between the runner, which fills it, and everything that tells people about
a run (the terminal, the report, MLflow). It holds only plain data; no value of a secret ever enters it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

SCHEMA_VERSION = 1


class ExitCode(IntEnum):
    """How a command ends, for those who script it."""

    DONE = 0
    STAGE_FAILED = 1
    BAD_INPUT = 2
    GATE_SAID_NO = 3


class Status(StrEnum):
    """Where a stage or a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"  # a gate said no
    NOT_STARTED = "not started"


@dataclass(frozen=True)
class ConfigValue:
    """A parameter's value as the run used it, and the layer that supplied it."""

    value: Any
    origin: str  # e.g. "config/base.yaml:12", "config/staging.yaml:3", "FLIGHT_DELAYS__TRAIN__SEED", "--set"


@dataclass(frozen=True)
class ArtifactRecord:
    """A stored artifact. ``digest`` is the SHA-256 of the stored bytes; ``size`` is in bytes."""

    name: str  # "stage.name"
    digest: str
    size: int
    format: str
    type: str  # qualified type name of the value
    summary: str  # short and human: "336776 rows x 19 columns", "0.7421", "list of 12"
    graph: tuple[str, ...] = ()  # names stored together in one object graph, this one included
    references: tuple[str, ...] = ()  # "module:name" of the package's functions and classes that it refers to


@dataclass(frozen=True)
class SourcePlace:
    """Where something happened: in the package and, when known, in the notebook."""

    file: str  # relative to the package's folder
    line: int
    code: str
    cell: int | None = None  # counted from 1, as JupyterLab shows cells
    cell_line: int | None = None


@dataclass(frozen=True)
class FailureRecord:
    """An exception that ended a stage; ``trace`` runs from the outermost frame of the package inwards."""

    type: str
    message: str
    trace: tuple[SourcePlace, ...] = ()
    traceback: str = ""  # Python's own text, for those who want all of it
    transient: bool = False  # of a type that the stage says may pass


@dataclass(frozen=True)
class CheckRecord:
    """One check of a gate: what was asked, what was seen, and the rows or values that fell short."""

    subject: str  # "flights.month", "roc_auc"
    rule: str  # "in_range(1, 12)", ">= 0.7"
    passed: bool
    observed: str = ""
    failing_rows: tuple[str, ...] = ()  # index labels, the first few
    failing_count: int = 0


@dataclass(frozen=True)
class GateRecord:
    """A gate's decision with its evidence."""

    name: str
    kind: str  # "data_quality" | "evaluation"
    stage: str
    passed: bool
    message: str
    checks: tuple[CheckRecord, ...] = ()
    place: SourcePlace | None = None  # where an assert of the notebook failed


@dataclass(frozen=True)
class FigureRecord:
    """A figure that a stage left open; ``path`` is relative to the run's folder."""

    stage: str
    path: str
    title: str


@dataclass(frozen=True)
class StageRecord:
    """One stage of a run. Times are UTC ISO 8601; durations in seconds; memory in bytes."""

    name: str
    kind: str
    status: Status
    started: str | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[ArtifactRecord, ...] = ()
    random_state: str | None = None  # digest of the random state left behind
    figures: tuple[FigureRecord, ...] = ()
    log: str | None = None  # path relative to the run's folder
    failure: FailureRecord | None = None
    cells: tuple[int, ...] = ()
    cached_from: str | None = None  # the run whose result is used again
    reason: str = ""  # why it ran, or why it did not have to
    attempts: int = 1


@dataclass(frozen=True)
class FileRead:
    """What a stage saw of the files around it; its result holds only while all of this is still so."""

    kind: str  # "file" | "folder" (what lies in it) | "tree" (all below it) | "missing" | "variable" | "written"
    path: str  # relative to the working directory, absolute outside it; a variable's name
    digest: str


@dataclass(frozen=True)
class FileChange:
    """A file that a stage made or changed in its working directory; no digest: it was removed."""

    path: str
    digest: str | None
    mode: int = 0o644


@dataclass(frozen=True)
class StageResult:
    """What a stage left behind: the content of ``stages/<stage>.json``, and of an entry of the cache.

    Attributes:
        record: the stage's part of the run's record.
        metrics: its numbers.
        gates: decisions that fell in its process.
        key: digest of ``ingredients``.
        ingredients: what its result depends on, but for files: name -> value or digest.
        reads: the files that its result depends on.
        changes: the files that it left in the working directory.
        files: files of the run's folder (figures, log) -> digest.
        run_id: the run that made it.
    """

    record: StageRecord
    metrics: dict[str, float] = field(default_factory=dict)
    gates: tuple[GateRecord, ...] = ()
    key: str = ""
    ingredients: dict[str, str] = field(default_factory=dict)
    reads: tuple[FileRead, ...] = ()
    changes: tuple[FileChange, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    run_id: str = ""


@dataclass(frozen=True)
class DataVersion:
    """An input file as the run found it."""

    key: str  # config key of the parameter that names it
    path: str  # as the config gives it
    digest: str
    size: int


@dataclass(frozen=True)
class ModelVersion:
    """What the registry holds after a run that every gate let through."""

    name: str
    version: str
    alias: str
    uri: str
    tracking_uri: str
    mlflow_run_id: str


@dataclass(frozen=True)
class RunRecord:
    """One execution, complete."""

    run_id: str
    pipeline: str
    status: Status
    exit_code: int
    trigger: str
    experiment_id: str | None
    environment: str | None
    started: str
    seconds: float | None
    command: tuple[str, ...]
    versions: dict[str, str]  # python, nb2pipe, and the package's dependencies
    commit: str | None
    dirty: bool | None
    notebook_digest: str | None
    config: dict[str, ConfigValue]
    data: tuple[DataVersion, ...] = ()
    stages: tuple[StageRecord, ...] = ()
    gates: tuple[GateRecord, ...] = ()
    metrics: dict[str, float] = field(default_factory=dict)
    model: ModelVersion | None = None
    tracking_uri: str | None = None
    mlflow_run_id: str | None = None
    message: str = ""  # one line for people: what stopped the run, or empty
    package: str = ""  # folder of the import package
    schema_version: int = SCHEMA_VERSION
