"""The pipeline definition: what a generated package's ``pipeline.py`` declares.

Frozen, engine-free and cheap to import. A definition says *what* runs, in what order, what crosses
between stages and what may stop a run; *how* it runs is the business of :mod:`nb2pipe.runtime.runner`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema


@dataclass(frozen=True)
class Signature:
    """What is known of a stage function in a process that has not imported the package.

    Attributes:
        module: the function's module.
        name: its name.
        annotations: parameter -> the type that its annotation stands for.
    """

    module: str
    name: str
    annotations: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """One stateless stage function and all that the runner must know to call it.

    Attributes:
        function: the stage function; its name is the stage's name. It takes its inputs by position or
            name, its parameters by keyword, and returns its outputs as fields of one
            object (a frozen dataclass; ``None`` when nothing crosses).
        kind: a canonical stage name (``load_data``, ..., ``package``) or ``custom``.
        inputs: argument name -> artifact, written ``stage.name``.
        params: argument name -> dotted config key.
        outputs: fields of what it returns that become artifacts of this stage.
        restores: variable of the pipeline's namespace -> artifact, put back before the function is called.
        saves: variables of the namespace that become artifacts of this stage.
        shared: groups of outputs that may share objects; each group is stored as one object graph.
        metrics: outputs whose numbers are logged as metrics.
        settings: functions that set process state (warnings, display options); called before ``function``.
        random_state: the stage whose final random state this stage starts from, or ``None`` when it
            neither draws nor seeds.
        saves_random_state: whether later stages continue this stage's random numbers.
        after: stages that must end first although no artifact comes from them (files, side effects).
        cells: numbers of the notebook's cells that the stage was made from (counted from 1).
        timeout: seconds after which the stage is ended and has failed; ``None`` for no limit.
        retries: how often it is tried again after an error of a type in ``transient``.
        transient: types of errors that may pass (a server that is away).
        cpus: how many of the machine's CPUs it keeps busy: stages run side by side as long as they suffice.
        memory: bytes of memory that it needs, for the same end.
        cache: whether its result may be used again by a later run; no for what reads the clock or a server.
    """

    function: Callable[..., Any] | Signature
    kind: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    restores: Mapping[str, str] = field(default_factory=dict)
    saves: tuple[str, ...] = ()
    shared: tuple[tuple[str, ...], ...] = ()
    metrics: tuple[str, ...] = ()
    settings: tuple[Callable[[], None], ...] = ()
    random_state: str | None = None
    saves_random_state: bool = False
    after: tuple[str, ...] = ()
    cells: tuple[int, ...] = ()
    timeout: float | None = None
    retries: int = 0
    transient: tuple[type[BaseException], ...] = (ConnectionError, TimeoutError)
    cpus: float = 1
    memory: int = 0
    cache: bool = True

    @property
    def name(self) -> str:
        """The stage's name, unique in its pipeline."""
        return self.function.name if isinstance(self.function, Signature) else self.function.__name__

    @property
    def module(self) -> str:
        """The module of the stage's function."""
        return self.function.module if isinstance(self.function, Signature) else self.function.__module__

    @property
    def needs(self) -> tuple[str, ...]:
        """The artifacts that the stage starts from."""
        return (*self.inputs.values(), *self.restores.values())

    @property
    def stored(self) -> tuple[str, ...]:
        """Names of the artifacts that the stage leaves."""
        return (*self.outputs, *self.saves)

    @cached_property
    def upstream(self) -> frozenset[str]:
        """Names of the stages that must end before this one starts."""
        producers = {artifact.partition(".")[0] for artifact in self.needs}
        if self.random_state is not None:
            producers.add(self.random_state)
        return frozenset(producers | set(self.after))


class Absence(Enum):
    """What crosses for a variable that is not bound."""

    UNBOUND = "unbound"


@dataclass(frozen=True)
class DataQuality:
    """A gate on tables: every schema must hold before the stage ``before`` may start.

    An ``assert`` that fails inside ``before`` counts as this gate's "no" as well.
    """

    before: str
    schemas: Mapping[str, DataFrameSchema] = field(default_factory=dict)
    name: str = "data_quality"


@dataclass(frozen=True)
class Evaluation:
    """A gate on metrics: after the stage ``after``, every threshold of the config must hold.

    ``thresholds`` is the config key of a mapping ``metric -> {min: ..., max: ...}``. A metric that is
    missing or not a number fails the gate. An ``assert`` that fails inside ``after`` counts as a "no".
    """

    after: str
    thresholds: str = "gates.evaluation"
    name: str = "evaluation"


@dataclass(frozen=True)
class Registration:
    """Which artifact becomes a model version when every gate has said yes.

    Attributes:
        model: the artifact to log, written ``stage.name``.
        signature: an artifact holding an MLflow model signature, when the notebook makes one.
        example: an artifact holding model inputs, to infer a signature from and to keep as an example.
    """

    model: str
    signature: str | None = None
    example: str | None = None


Gate = DataQuality | Evaluation


@dataclass(frozen=True)
class Pipeline:
    """The pipeline definition (deployable 1 of 2; the other is the model version).

    Attributes:
        name: the package's import name; also the name of the registered model and the MLflow experiment.
        stages: in the notebook's order, which is a valid order to run them in.
        data_files: config keys of the parameters that name input files.
        modules: modules of the package's folder whose variables cross with them.
        namespace: the module that holds the variables which functions of several stages share.
    """

    name: str
    stages: tuple[Stage, ...]
    gates: tuple[Gate, ...] = ()
    registration: Registration | None = None
    data_files: tuple[str, ...] = ()
    namespace: ModuleType | None = None
    modules: tuple[str, ...] = ()

    def stage(self, name: str) -> Stage:
        """The stage called ``name``; raises ``KeyError`` when there is none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Stage]:
        return {stage.name: stage for stage in self.stages}
