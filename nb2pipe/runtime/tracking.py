"""A run's record in MLflow: parameters, metrics, tags, files and, when every gate said yes, a model version.

Where: the server that ``MLFLOW_TRACKING_URI`` names, else a SQLite store inside the run's own store. Nothing is
written anywhere else, nothing is printed, and nobody is called but that server.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import re
import shutil
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nb2pipe.runtime.record import RunRecord, Status
from nb2pipe.runtime.record_json import to_json

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from nb2pipe.runtime.definition import Registration
    from nb2pipe.runtime.registry import LoggedModel

REPORT = "report.html"
MOST_PARAMS, MOST_METRICS = 100, 1000
"""How many MLflow takes in one request."""
LONGEST_NAME, LONGEST_TAG = 250, 5000
"""Within what every MLflow server since 2.0 takes."""

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",  # no git on this machine is no reason to complain
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # MLflow's own 7 keep people waiting for minutes
}
_SAVED = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID")


def tracking_uri(store_dir: Path) -> str:
    """The server that the environment names, else the store's own SQLite file."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{store_dir.resolve() / 'mlflow.db'}"


@dataclass
class Log:
    """A run in MLflow that has begun and is not ended.

    Attributes:
        run_id: what MLflow calls it.
        model: the model's files, once they are logged.
    """

    client: MlflowClient
    uri: str
    run_id: str
    model: LoggedModel | None = None


def begin(record: RunRecord, store_dir: Path) -> Log:
    """Begin a run in MLflow, with the parameters of ``record``; ``store_dir`` holds the embedded store."""
    uri, artifacts = tracking_uri(store_dir), _artifacts(store_dir)
    client = open_database(store_dir)
    with _quietly(), _pointed_at(uri):
        experiment = _experiment(client, record.pipeline, artifacts)
        log = Log(client, uri, _start(client, experiment, record))
        try:
            _log_params(client, log.run_id, record)
        except BaseException:
            client.set_terminated(log.run_id, "FAILED")
            raise
    return log


def open_database(store_dir: Path) -> MlflowClient:
    """A client of the server, or of the embedded store, which is made when it is not there."""
    uri = tracking_uri(store_dir)
    with _quietly(), _pointed_at(uri), _only_one(store_dir):
        return _client(uri, store_dir)


def log_model(log: Log, record: RunRecord, registration: Registration, load: Callable[[str], Any]) -> None:
    """Log the files of the model as soon as there is one; whether it becomes a version is decided at the end."""
    from nb2pipe.runtime import registry

    with _quietly(), _pointed_at(log.uri):
        log.model = registry.log_model(log.run_id, record, registration, load)


def end(
    log: Log, record: RunRecord, run_dir: Path, registration: Registration | None, load: Callable[[str], Any]
) -> RunRecord:
    """Log what there is now and register the model; the record comes back with what MLflow called them.

    Args:
        log: the run as it began.
        record: the run, ended.
        run_dir: the run's folder, with its figures.
        registration: which artifact becomes a model version; ``None`` when there is none or a gate said no.
        load: gives the value of an artifact (``train.model``).
    """
    client, run_id, ended = log.client, log.run_id, False
    with _quietly(), _pointed_at(log.uri):
        try:
            _log_tags(client, run_id, record)
            _log_metrics(client, run_id, record)
            model = None
            if registration is not None:
                from nb2pipe.runtime import registry

                if log.model is None:
                    log.model = registry.log_model(run_id, record, registration, load)
                model = registry.register(client, log.uri, run_id, record, log.model)
            logged = replace(record, model=model, mlflow_run_id=run_id, tracking_uri=log.uri)
            _log_files(client, run_id, logged, run_dir)
            ended = True
        finally:
            done = ended and record.status == Status.DONE
            client.set_terminated(run_id, "FINISHED" if done else "FAILED", end_time=_end(record))
    return logged


def give_up(log: Log) -> None:
    """End a run whose runner is gone."""
    with _quietly(), _pointed_at(log.uri):
        log.client.set_terminated(log.run_id, "KILLED")


def log_run(
    record: RunRecord,
    run_dir: Path,
    store_dir: Path,
    registration: Registration | None,
    load: Callable[[str], Any],
) -> RunRecord:
    """:func:`begin` and :func:`end` in one."""
    return end(begin(record, store_dir), record, run_dir, registration, load)


def get_ready() -> None:
    """Import MLflow, which takes seconds."""
    with _quietly():
        pass


def log_report(record: RunRecord, run_dir: Path) -> None:
    """Add ``report.html`` to the logged run: it can be written only after :func:`log_run`, whose results it shows."""
    if record.mlflow_run_id and record.tracking_uri and (run_dir / REPORT).is_file():
        with _quietly(), _pointed_at(record.tracking_uri):
            from mlflow import MlflowClient

            MlflowClient(tracking_uri=record.tracking_uri).log_artifact(record.mlflow_run_id, str(run_dir / REPORT))


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """Each name as MLflow accepts it: letters, digits and ``_-. :/`` only, short enough, and no two alike."""
    safe: dict[str, str] = {}
    used: set[str] = set()
    for name in names:
        base = re.sub(r"[^\w\-. :/]", "_", name)
        parts = [part for part in base.split("/") if part not in ("", ".", "..")]
        base = candidate = "/".join(parts)[:LONGEST_NAME].rstrip("/") or "_"
        count = 1
        while candidate in used:
            count += 1
            candidate = f"{base[: LONGEST_NAME - 8]}_{count}"
        safe[name] = candidate
        used.add(candidate)
    return safe


def shortened(value: Any, longest: int) -> str:
    """``value`` as text of at most ``longest`` characters; what is cut says so."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    note = f"… ({len(text)} characters)"
    return text if len(text) <= longest else text[: longest - len(note)] + note


def version_tags(record: RunRecord) -> dict[str, str]:
    """What ties a model version, and a logged run, to where it came from."""
    tags = {
        "nb2pipe.run_id": record.run_id,
        "nb2pipe.commit": record.commit,
        "nb2pipe.notebook_digest": record.notebook_digest,
        **{f"nb2pipe.data.{data.key}": data.digest for data in record.data},
    }
    return {name: value for name, value in tags.items() if value}


def _tags(record: RunRecord) -> dict[str, str]:
    lost = {name: value for name, value in record.metrics.items() if not math.isfinite(value)}
    tags = {
        **version_tags(record),
        "nb2pipe.trigger": record.trigger,
        "nb2pipe.status": str(record.status),
        "nb2pipe.environment": record.environment,
        "nb2pipe.experiment_id": record.experiment_id,
        "nb2pipe.dirty": None if record.dirty is None else str(record.dirty).lower(),
        "nb2pipe.message": record.message,
        "nb2pipe.metrics_not_finite": ", ".join(f"{name}={value}" for name, value in lost.items()),
        **{f"nb2pipe.gate.{gate.name}": "passed" if gate.passed else "said no" for gate in record.gates},
        "mlflow.source.name": record.pipeline,
        "mlflow.source.git.commit": record.commit,
    }
    return {name: value for name, value in tags.items() if value}


def _client(uri: str, store_dir: Path) -> MlflowClient:
    """A client of ``uri``; a new database appears complete or not at all, whenever its making is interrupted."""
    from mlflow import MlflowClient

    database = store_dir.resolve() / "mlflow.db"
    if uri == f"sqlite:///{database}" and not database.exists():
        draft = database.with_name("mlflow.db.new")
        draft.unlink(missing_ok=True)
        empty = _empty_database()
        if empty.is_file():
            shutil.copyfile(empty, draft)
        else:
            MlflowClient(tracking_uri=f"sqlite:///{draft}")
            _keep_empty(draft, empty)
        draft.replace(database)
    return MlflowClient(tracking_uri=uri)


def _empty_database() -> Path:
    """Where a new database of this version of MLflow is kept: to make one takes seconds, to copy one nothing."""
    import mlflow
    from platformdirs import user_cache_path

    return user_cache_path("nb2pipe") / f"mlflow-{mlflow.__version__}.db"


def _keep_empty(database: Path, empty: Path) -> None:
    with contextlib.suppress(OSError):  # it only saves time
        empty.parent.mkdir(parents=True, exist_ok=True)
        copy = empty.with_name(f".{empty.name}.{os.getpid()}.tmp")
        shutil.copyfile(database, copy)
        copy.replace(empty)


def _artifacts(store_dir: Path) -> str | None:
    """Where artifacts go: beside the embedded database, or wherever the server says."""
    return None if os.environ.get("MLFLOW_TRACKING_URI") else (store_dir.resolve() / "mlartifacts").as_uri()


def _experiment(client: MlflowClient, name: str, artifacts: str | None) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name, artifact_location=artifacts))
    except Exception:  # another run on the same server was faster
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


def _start(client: MlflowClient, experiment: str, record: RunRecord) -> str:
    tags = _tags(record)
    names = safe_names(tags)
    run = client.create_run(
        experiment,
        start_time=int(_started(record) * 1000),
        tags={names[name]: shortened(value, LONGEST_TAG) for name, value in tags.items()},
        run_name=record.run_id,
    )
    return str(run.info.run_id)


def _log_params(client: MlflowClient, run_id: str, record: RunRecord) -> None:
    from mlflow.entities import Param
    from mlflow.utils.validation import MAX_PARAM_VAL_LENGTH

    keys = safe_names(record.config)
    params = [Param(keys[key], shortened(value.value, MAX_PARAM_VAL_LENGTH)) for key, value in record.config.items()]
    for start in range(0, len(params), MOST_PARAMS):
        client.log_batch(run_id, params=params[start : start + MOST_PARAMS])


def _log_metrics(client: MlflowClient, run_id: str, record: RunRecord) -> None:
    from mlflow.entities import Metric

    names = safe_names(record.metrics)
    now = int(time.time() * 1000)
    metrics = [Metric(names[name], v, now, 0) for name, v in record.metrics.items() if math.isfinite(v)]
    for start in range(0, len(metrics), MOST_METRICS - MOST_PARAMS):
        client.log_batch(run_id, metrics=metrics[start : start + MOST_METRICS - MOST_PARAMS])


def _log_tags(client: MlflowClient, run_id: str, record: RunRecord) -> None:
    """The tags again: gates have decided since the run began."""
    from mlflow.entities import RunTag

    tags = _tags(record)
    names = safe_names(tags)
    every = [RunTag(names[name], shortened(value, LONGEST_TAG)) for name, value in tags.items()]
    for start in range(0, len(every), MOST_PARAMS):
        client.log_batch(run_id, tags=every[start : start + MOST_PARAMS])


def _log_files(client: MlflowClient, run_id: str, record: RunRecord, run_dir: Path) -> None:
    for figure in (figure for stage in record.stages for figure in stage.figures):
        if (run_dir / figure.path).is_file():
            client.log_artifact(run_id, str(run_dir / figure.path), "figures")
    if (run_dir / REPORT).is_file():
        client.log_artifact(run_id, str(run_dir / REPORT))
    client.log_text(run_id, to_json(record), "run.json")


def _started(record: RunRecord) -> float:
    try:
        moment = datetime.fromisoformat(record.started)
    except ValueError:
        return time.time()
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _end(record: RunRecord) -> int:
    return int((time.time() if record.seconds is None else _started(record) + record.seconds) * 1000)


@contextmanager
def _quietly() -> Iterator[None]:
    """No log lines, warnings or telemetry of MLflow and of what it uses."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic", "sqlalchemy", "git", "urllib3")]
    with warnings.catch_warnings(record=True):  # recorded and forgotten: MLflow's imports undo a filter
        import mlflow  # noqa: F401 - its import sets the levels that are changed below

        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def _pointed_at(uri: str) -> Iterator[None]:
    """MLflow's global functions speak to ``uri``; afterwards to whom they did before.

    MLflow keeps its settings in the environment too, where the next run would take them for the user's.
    """
    import mlflow

    environment = {name: os.environ.get(name) for name in _SAVED}
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None  # type: ignore[no-untyped-call]
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)  # type: ignore[arg-type] # None: not set
        _set_environment(environment)


def _set_environment(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def _only_one(store_dir: Path) -> Iterator[None]:
    """One process at a time, where the system has file locks."""
    store_dir.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (store_dir / "mlflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
