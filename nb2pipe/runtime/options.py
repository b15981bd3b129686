"""What a person asks of a run: the words of the command line, typed."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nb2pipe.runtime.errors import RunError

_RUN_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_ENVIRONMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class RunOptions:
    """How to run a pipeline.

    Attributes:
        config: a further YAML file, or a folder (or its ``base.yaml``) in place of the package's ``config/``.
        env: the environment whose layer applies; ``APP_ENV`` when ``None``.
        overrides: ``a.b=value``, the strongest layer.
        data: stands in for the notebook's folder (or is its data folder, or its only data file).
        output: the folder of runs; the store lies in it.
        run_id: the run's name; made from the time when ``None``.
        experiment_id: free text that ties runs together.
        trigger: who or what started the run.
        jobs: how many stages may run at the same time.
        from_stage: run this stage, what follows it, and what the earlier run did not come to; the rest is taken
            from that run.
        only: run this stage alone; what comes before is taken from an earlier run.
        fresh: run every stage, whatever the cache holds.
        json: progress as JSON.
        store: URL of a store that others share (anything that fsspec knows); the local one is then a copy of parts.
        isolation: ``fork`` (stages come from a process that has imported the package), ``spawn`` (each stage is a
            fresh interpreter), or what suits the system.
        why: say at the end why this stage ran, or why it did not have to.
        tracking: log the run to MLflow and register its model.
    """

    config: Path | None = None
    env: str | None = None
    overrides: tuple[str, ...] = ()
    data: Path | None = None
    output: Path = Path("runs")
    run_id: str | None = None
    experiment_id: str | None = None
    trigger: str = "manual"
    jobs: int = 1
    from_stage: str | None = None
    only: str | None = None
    fresh: bool = False
    json: bool = False
    store: str | None = None
    isolation: str | None = None
    why: str | None = None
    tracking: bool = True


def check_options(options: RunOptions) -> None:
    """Refuse what can be seen to be wrong without looking at anything else."""
    if options.run_id is not None:
        check_run_id(options.run_id)
    if options.jobs < 1:
        raise RunError(f"--jobs must be 1 or more, not {options.jobs}")
    if options.only is not None and options.from_stage is not None:
        raise RunError("--only and --from exclude each other: --from runs a stage and what follows, --only one stage")
    for override in options.overrides:
        if not override.partition("=")[1] or not override.partition("=")[0].strip():
            raise RunError(f"--set {override}: write it as --set key=value, for example --set train.seed=7")


def check_run_id(run_id: str) -> str:
    """``run_id`` itself when it is safe as a folder's name."""
    if not _RUN_ID.fullmatch(run_id):
        raise RunError(
            f"--run-id {run_id!r} cannot name a run: "
            "use letters, digits, '.', '_' and '-', at most 128, not starting with a dot"
        )
    return run_id


def new_run_id() -> str:
    """A fresh name that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def environment_name(options: RunOptions) -> str | None:
    """The environment that ``--env`` or ``APP_ENV`` names, or ``None``."""
    name, said_by = (options.env, "--env") if options.env is not None else (os.environ.get("APP_ENV"), "APP_ENV")
    if said_by == "APP_ENV" and not name:
        return None
    if not _ENVIRONMENT.fullmatch(name or ""):
        raise RunError(f"{said_by} {name!r} cannot name an environment: use letters, digits, '_' and '-'")
    return name
