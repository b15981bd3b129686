"""A model artifact as an MLflow model version that loads again: flavour, signature, example, requirements, code."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nb2pipe.runtime.record import ModelVersion, RunRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from nb2pipe.runtime.definition import Registration

ALIAS = "challenger"
EXAMPLE_ROWS = 5
SIGNATURE_ROWS = 1000

_DISTRIBUTIONS = {"sklearn": "scikit-learn", "PIL": "pillow", "cv2": "opencv-python", "yaml": "PyYAML"}
_ALWAYS = ("mlflow", "cloudpickle", "numpy")


@dataclass(frozen=True)
class LoggedModel:
    """A model's files in MLflow, not registered yet; ``problem`` says why it has no signature, if so."""

    source: str
    model_id: str | None
    problem: str


def log_model(run_id: str, record: RunRecord, registration: Registration, load: Callable[[str], Any]) -> LoggedModel:
    """Log the model's files under the run."""
    model = load(registration.model)
    example = None if registration.example is None else load(registration.example)
    signature = None if registration.signature is None else load(registration.signature)
    return LoggedModel(*_log(run_id, record, model, example, signature))


def register(client: MlflowClient, uri: str, run_id: str, record: RunRecord, logged: LoggedModel) -> ModelVersion:
    """Make logged files a version of the pipeline's model and call that the challenger."""
    version = _create_version(client, run_id, record, logged.source, logged.model_id, logged.problem)
    return ModelVersion(
        name=record.pipeline,
        version=version,
        alias=ALIAS,
        uri=f"models:/{record.pipeline}/{version}",
        tracking_uri=uri,
        mlflow_run_id=run_id,
    )


def _log(run_id: str, record: RunRecord, model: Any, example: Any, signature: Any) -> tuple[str, str | None, str]:
    """Log the model's files; gives where they are, the logged model's id and why there is no signature, if so."""
    import mlflow

    flavour, arguments, example, predict = _flavour(model, example)
    problem = ""
    if signature is None:
        signature, problem = _inferred(example, predict)
    modules = modules_of(model)
    code = code_folders(modules, record.pipeline)
    with mlflow.start_run(run_id=run_id):
        logged = flavour.log_model(
            **arguments,
            name="model",
            signature=signature,
            input_example=None if problem else _first(example, EXAMPLE_ROWS),
            pip_requirements=requirements(modules, example, record if code else None),
            code_paths=code or None,
        )
    return str(logged.model_uri), getattr(logged, "model_id", None), problem


def _create_version(
    client: MlflowClient, run_id: str, record: RunRecord, source: str, model_id: str | None, problem: str
) -> str:
    from mlflow.exceptions import MlflowException

    from nb2pipe.runtime.tracking import safe_names, version_tags

    try:
        client.create_registered_model(record.pipeline)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    tags = version_tags(record) | ({"nb2pipe.no_signature": problem} if problem else {})
    names = safe_names(tags)
    version = client.create_model_version(
        record.pipeline,
        source,
        run_id=run_id,
        tags={names[name]: value for name, value in tags.items()},
        model_id=model_id,
    )
    client.set_registered_model_alias(record.pipeline, ALIAS, version.version)
    return str(version.version)


def _flavour(model: Any, example: Any) -> tuple[Any, dict[str, Any], Any, Callable[[Any], Any] | None]:
    """MLflow's module for this model, its arguments, the example as that module takes it, and a way to predict."""
    torch, sklearn = sys.modules.get("torch"), sys.modules.get("sklearn.base")
    if torch is not None and isinstance(model, torch.nn.Module):
        import mlflow.pytorch

        arguments: dict[str, Any] = {"pytorch_model": model.to("cpu")}  # readable where there is no GPU
        if "serialization_format" in inspect.signature(mlflow.pytorch.log_model).parameters:
            arguments["serialization_format"] = "pickle"  # the graph format keeps one example's shapes only
        return mlflow.pytorch, arguments, _as_floats(example), lambda x: _predict_torch(model, x)
    if sklearn is not None and isinstance(model, sklearn.BaseEstimator):
        import mlflow.sklearn

        # skops refuses types that it does not know, the user's own above all
        arguments = {"sk_model": model, "serialization_format": mlflow.sklearn.SERIALIZATION_FORMAT_CLOUDPICKLE}
        return mlflow.sklearn, arguments, example, getattr(model, "predict", None)
    import mlflow.pyfunc

    return mlflow.pyfunc, {"python_model": _wrapped(model)}, example, model.predict


def _wrapped(model: Any) -> Any:
    """``model`` behind MLflow's own interface; a local class, so that loading it needs no nb2pipe."""
    from mlflow.pyfunc.model import PythonModel

    if not callable(getattr(model, "predict", None)):
        kind = f"{type(model).__module__}.{type(model).__qualname__}"
        raise TypeError(f"the model is a {kind}, which has no predict(): register an object that has one")

    class Predictor(PythonModel):
        def __init__(self, model: Any) -> None:
            self.model = model

        def predict(self, model_input):  # type: ignore[no-untyped-def,override]
            return self.model.predict(model_input)

    Predictor.__module__ = "__main__"  # pickled by value
    return Predictor(model)


def _predict_torch(model: Any, example: Any) -> Any:
    import torch

    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            output = model(torch.from_numpy(example))
    finally:
        model.train(training)
    return output.numpy() if isinstance(output, torch.Tensor) else output


def _as_floats(example: Any) -> Any:
    """A tensor, array or table as the array that MLflow hands to a torch model; numbers with a point as float32."""
    if example is None:
        return None
    import numpy as np

    array = np.array(example.detach().cpu() if hasattr(example, "detach") else example)
    return array.astype(np.float32) if array.dtype.kind in "fO" else array


def _inferred(example: Any, predict: Callable[[Any], Any] | None) -> tuple[Any, str]:
    """A signature, or ``None`` and the reason."""
    from mlflow.models import infer_signature

    if example is None or predict is None:
        return None, "" if example is None else "the model has no predict()"
    try:
        rows = _first(example, SIGNATURE_ROWS)
        return infer_signature(rows, predict(rows)), ""
    except Exception as error:  # a model without a signature is still a model; the version's tag says why
        return None, f"{type(error).__name__}: {error}"[:500]


def _first(example: Any, rows: int) -> Any:
    if example is None:
        return None
    if hasattr(example, "iloc"):
        return example.iloc[:rows]
    return example[:rows] if getattr(example, "shape", ()) or isinstance(example, list) else example


def modules_of(model: Any) -> frozenset[str]:
    """Names of the modules whose classes and functions the model is made of, found by pickling it to nowhere."""
    pickler: Any = import_module("cloudpickle").CloudPickler

    found = {cls.__module__ for cls in type(model).__mro__}

    class Finder(pickler):  # type: ignore[misc]
        def persistent_id(self, value: Any) -> str | None:
            named = value if isinstance(getattr(value, "__module__", None), str) else type(value)
            found.add(named.__module__)
            found.add(type(value).__module__)
            bulky = type(value).__module__.startswith("torch") and hasattr(value, "untyped_storage")
            return "bulk" if bulky else None

    class Nowhere:
        def write(self, data: Any) -> int:
            return len(data)

    with suppress(Exception):  # what cannot be pickled is MLflow's to report
        Finder(Nowhere(), protocol=5, buffer_callback=lambda _: False).dump(model)
    return frozenset(found)


def code_folders(modules: frozenset[str], package: str) -> list[str]:
    """Folders (or files) of the local code among ``modules``: the package's, and what no distribution brings."""
    tops = sorted({name.partition(".")[0] for name in modules})
    local = [top for top in tops if top == package or (_is_local(top) and _distribution(top) is None)]
    return [str(folder) for top in local if (folder := _folder(top)) is not None]


def requirements(modules: frozenset[str], example: Any, with_package: RunRecord | None) -> list[str]:
    """The model's libraries at the versions installed here; with the package's code, also that code's libraries."""
    tops = {name.partition(".")[0] for name in modules | {type(example).__module__}}
    names = {_distribution(top) for top in tops if top not in sys.stdlib_module_names} | set(_ALWAYS)
    if with_package is not None:
        names |= {name for name in with_package.versions if name not in ("python", "nb2pipe")}
    own = None if with_package is None else with_package.pipeline
    pins = {name: _version(name) for name in names if name is not None and name not in ("nb2pipe", own)}
    return sorted(f"{name}=={version.partition('+')[0]}" for name, version in pins.items() if version)


def _is_local(top: str) -> bool:
    module = sys.modules.get(top)
    return top not in sys.stdlib_module_names and top != "__main__" and hasattr(module, "__file__")


def _folder(top: str) -> Path | None:
    module = sys.modules.get(top) or import_module(top)
    if paths := list(getattr(module, "__path__", ())):
        return Path(paths[0])
    return Path(module.__file__) if module.__file__ else None


def _distribution(top: str) -> str | None:
    """The distribution that brings the module ``top``."""
    name = _DISTRIBUTIONS.get(top, top)
    if _version(name) is not None:
        return name
    return next(iter(metadata.packages_distributions().get(top, ())), None)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
