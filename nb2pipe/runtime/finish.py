"""After the stages: the record in MLflow, the model in the registry, the report. In a process of its own."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nb2pipe.runtime import journal
from nb2pipe.runtime.artifacts import load_artifacts
from nb2pipe.runtime.channel import Channel
from nb2pipe.runtime.definition import Pipeline
from nb2pipe.runtime.files import digest_of, write_text
from nb2pipe.runtime.prepare import Prepared
from nb2pipe.runtime.processes import begin_own_group, ending_of
from nb2pipe.runtime.progress import Reporter
from nb2pipe.runtime.record import ExitCode, ModelVersion, RunRecord, Status
from nb2pipe.runtime.record_json import from_json, to_json
from nb2pipe.runtime.store import Store
from nb2pipe.runtime.workers import Companion

TRACKING_LOG = "logs/tracking.log"


def finish(
    prepared: Prepared, record: RunRecord, reporter: Reporter, tracking: Tracking, *, log: bool = True
) -> RunRecord:
    """Log the run (unless somebody waits for it to stop), write the report; gives the last record."""
    run_dir = prepared.run_dir
    journal.save(record, run_dir)
    name = _tracked_name(record)
    if log and all(stage.cached_from for stage in record.stages) and (known := _tracked(prepared.store, name)):
        record = replace(record, model=known.model, mlflow_run_id=known.mlflow_run_id, tracking_uri=known.tracking_uri)
        log = False
    elif log:
        record = tracking.logged(prepared, record, may_register=_everything_passed(prepared, record))
        if record.mlflow_run_id:
            tracked = Tracked(record.model, record.mlflow_run_id, record.tracking_uri)
            prepared.store.write_entry(name, to_json(tracked).encode())
    record = replace(record, seconds=journal.seconds_since(record.started))
    journal.save(record, run_dir)
    write_report(record, run_dir)
    if log:
        tracking.add_report()
    reporter.run_ended(record, run_dir)
    return record


@dataclass(frozen=True)
class Tracked:
    """What MLflow called a run, for a run that is the same."""

    model: ModelVersion | None
    mlflow_run_id: str | None
    tracking_uri: str | None


def _tracked_name(record: RunRecord) -> str:
    """The same for runs with the same results, decisions and server: there is nothing new to log."""
    same = {
        "pipeline": record.pipeline,
        "server": os.environ.get("MLFLOW_TRACKING_URI", ""),
        "stages": {stage.name: [output.digest for output in stage.outputs] for stage in record.stages},
        "config": {key: repr(value.value) for key, value in record.config.items()},
        "gates": {gate.name: gate.passed for gate in record.gates},
        "metrics": record.metrics,
        "data": [data.digest for data in record.data],
    }
    return f"tracked/{digest_of([to_json(same).encode()])[0]}.json"


def _tracked(store: Store, name: str) -> Tracked | None:
    data = store.read_entry(name)
    try:
        found = None if data is None else from_json(Tracked, data.decode())
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if found is None or not (found.tracking_uri or "").startswith("sqlite:///"):
        return found
    return found if Path((found.tracking_uri or "").removeprefix("sqlite:///")).is_file() else None


class Tracking:
    """The process that talks to MLflow: it gets ready while the package is imported and works while the stages run.

    Its failure is reported and fails the run; it never breaks it.
    """

    def __init__(self) -> None:
        self.companion: Companion | None = None
        self.prepared: Prepared | None = None
        self.ended = False

    def __enter__(self) -> Tracking:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.companion is not None:
            self.companion.close(at_once=self.ended or self.prepared is None)

    def get_ready(self) -> None:
        """Start the process."""
        if self.companion is None:
            self.companion = Companion("nb2pipe.runtime.finish:track", ())

    def begin(self, prepared: Prepared) -> None:
        """Begin the run in MLflow."""
        if self.prepared is None:
            self.get_ready()
            self.prepared = prepared
            store = prepared.store
            self._send((prepared.package.name, prepared.run_dir, store.folder, store.remote, prepared.record))

    def model_made(self, record: RunRecord) -> None:
        """Let the process log the model's files, if the run has begun there."""
        if self.prepared is not None:
            self._send((record, None))

    def logged(self, prepared: Prepared, record: RunRecord, *, may_register: bool) -> RunRecord:
        """The record with what MLflow called things, or with the problem."""
        self.begin(prepared)
        assert self.companion is not None
        try:
            self._send((record, may_register))
            answer = self.companion.receive()
        except (EOFError, OSError):
            answer = f"its process {ending_of(self.companion.exit_code())}"
        self.ended = True
        if isinstance(answer, RunRecord):
            return answer
        return journal.failed_afterwards(record, f"MLflow tracking failed: {answer} (see {TRACKING_LOG})")

    def add_report(self) -> None:
        """Let the process log the report as well, and wait until it has."""
        with contextlib.suppress(EOFError, OSError):
            if self.companion is not None:
                self._send(None)
                self.companion.receive()

    def _send(self, message: Any) -> None:
        with contextlib.suppress(OSError):  # that it is gone is found out when it should answer
            if self.companion is not None:
                self.companion.send(message)


def _everything_passed(prepared: Prepared, record: RunRecord) -> bool:
    """Only a run whose stages are all done and whose gates all said yes makes a model version."""
    return (
        record.exit_code == ExitCode.DONE
        and all(stage.status == Status.DONE for stage in record.stages)
        and all(gate.passed for gate in record.gates)
        and {gate.name for gate in prepared.pipeline.gates} <= {gate.name for gate in record.gates}
    )


def write_report(record: RunRecord, run_dir: Path) -> None:
    """Write ``report.html`` into the run's folder."""
    from nb2pipe.runtime.report import render_report

    try:
        write_text(run_dir / "report.html", render_report(record, run_dir))
    except Exception as error:  # the run is what it is, with or without a report of it
        print(f"warning: no report could be written: {type(error).__name__}: {error}", file=sys.stderr)


def track(channel: Channel) -> None:
    """The main function of the tracking process."""
    from nb2pipe.runtime import tracking
    from nb2pipe.runtime.worker import redirect_output

    begin_own_group()
    redirect_output(Path(os.devnull))
    with contextlib.suppress(Exception):  # begin() says what is wrong
        tracking.get_ready()
    with contextlib.suppress(EOFError):
        module, run_dir, store_dir, remote, record = channel.receive()
        redirect_output(run_dir / TRACKING_LOG)
        try:
            logged = _log(channel, record, module, run_dir, Store(store_dir, remote))
        except EOFError:
            return
        except Exception as error:
            traceback.print_exc()
            while channel.receive()[1] is None:  # what it would have logged is waited for at the end only
                pass
            channel.send(f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")
            return
        channel.send(logged)
        channel.receive()
        with contextlib.suppress(Exception):
            tracking.log_report(logged, run_dir)
        channel.send(None)


def _log(channel: Channel, record: RunRecord, module: str, run_dir: Path, store: Store) -> RunRecord:
    """Begin the run in MLflow, log its model when there is one, and end it."""
    from nb2pipe.runtime import tracking

    log = tracking.begin(record, store.folder)
    try:
        pipeline: Pipeline = importlib.import_module(f"{module}.pipeline").PIPELINE
        while True:
            record, may_register = channel.receive()
            load = _loader(record, store)
            if may_register is not None:
                break
            if pipeline.registration is not None:
                with contextlib.suppress(Exception):  # tried again at the end, when its failure is said
                    tracking.log_model(log, record, pipeline.registration, load)
    except EOFError:
        tracking.give_up(log)
        raise
    return tracking.end(log, record, run_dir, pipeline.registration if may_register else None, load)


def _loader(record: RunRecord, store: Store) -> Callable[[str], Any]:
    """A function from an artifact's name to its value; members of one graph come from one loading."""
    records = {artifact.name: artifact for stage in record.stages for artifact in stage.outputs}
    loaded: dict[str, Any] = {}

    def load(name: str) -> Any:
        if name not in loaded:
            loaded.update(load_artifacts(store, [records[name]]))
        return loaded[name]

    return load
