"""What the runner must know of a package, as plain data: made where the package is imported, used where it is not."""

from __future__ import annotations

import ast
import contextlib
import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from nb2pipe.runtime.code import Code, read_code
from nb2pipe.runtime.config_types import annotations_of
from nb2pipe.runtime.definition import DataQuality, Gate, Pipeline, Signature, Stage
from nb2pipe.runtime.files import digest_of
from nb2pipe.runtime.package import Package, import_package, package_of
from nb2pipe.runtime.reads import system_folders

_FOR_STAGES = (
    "asyncio",
    "cloudpickle",
    "ctypes",
    "resource",
    "nb2pipe.runtime.formats.segments",
    "nb2pipe.runtime.worker",
)
_FOR_TABLES = ("pyarrow.ipc", "nb2pipe.runtime.formats.columns", "nb2pipe.runtime.formats.layout")


@dataclass(frozen=True)
class Definition:
    """A package without its code.

    Attributes:
        pipeline: its definition; functions are signatures, and there are no schemas, settings and namespace.
        package: where it lies.
        code: digests of what its stages can reach.
        schemas: stage -> digest of the schemas of the gates before it.
    """

    pipeline: Pipeline
    package: Package
    code: Code
    schemas: Mapping[str, str] = field(default_factory=dict)


def load(module_folder: Path) -> Definition:
    """Import the package in ``module_folder`` and say what it is; raises ``RunError`` when it cannot be.

    What every stage's process needs is imported as well: each is a copy of this one.
    """
    pipeline = import_package(module_folder)
    for module in [*_FOR_STAGES, *(_FOR_TABLES if "pandas" in sys.modules else ())]:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    system_folders()
    pipeline.stage(pipeline.stages[0].name)  # looked up once here, by all
    return definition_of(pipeline)


def definition_of(pipeline: Pipeline) -> Definition:
    """What the runner must know of ``pipeline``, which is imported here."""
    package = package_of(pipeline)
    code = read_code(pipeline, package)
    code = replace(code, definitions=dict(code.definitions))  # plain data: it goes to another process
    return Definition(_outline(pipeline), package, code, _schemas(pipeline, package))


def _outline(pipeline: Pipeline) -> Pipeline:
    return replace(
        pipeline,
        stages=tuple(_signed(stage) for stage in pipeline.stages),
        gates=tuple(_without_schemas(gate) for gate in pipeline.gates),
        namespace=None,
    )


def _signed(stage: Stage) -> Stage:
    package = stage.module.partition(".")[0]
    hints = annotations_of(stage)
    known = {name: _plain(hints[name], package) for name in stage.params if name in hints}
    return replace(stage, function=Signature(stage.module, stage.name, known), settings=(), transient=())


def _plain(annotation: Any, package: str) -> Any:
    """A type that other processes know as well; one of the package's own would have to be imported there."""
    kinds = [annotation]
    for kind in kinds:
        kinds.extend(get_args(kind))
    own = any(str(getattr(kind, "__module__", "")).partition(".")[0] == package for kind in kinds)
    return Any if own else annotation


def _without_schemas(gate: Gate) -> Gate:
    if isinstance(gate, DataQuality):
        names: dict[str, Any] = dict.fromkeys(gate.schemas)
        return replace(gate, schemas=names)
    return gate


def _schemas(pipeline: Pipeline, package: Package) -> dict[str, str]:
    """Stage -> digest of the schemas before it: as they print, and as ``contracts.py`` makes them."""
    try:
        contracts = ast.dump(ast.parse((package.module_folder / "contracts.py").read_bytes()))
    except (OSError, SyntaxError, ValueError, RecursionError):
        contracts = ""
    found = {}
    for gate in pipeline.gates:
        if isinstance(gate, DataQuality) and gate.schemas:
            texts = [contracts, *(f"{name}: {schema!r}" for name, schema in sorted(gate.schemas.items()))]
            found[gate.before] = digest_of([text.encode() for text in texts])[0]
    return found
