"""What a stage's process is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nb2pipe.runtime.record import ArtifactRecord


@dataclass(frozen=True)
class Job:
    """All that a stage's process must be told; plain data.

    Attributes:
        module: the import package; its ``pipeline`` module holds ``PIPELINE``.
        stage: which stage.
        run_dir: the run's folder.
        workspace: the working directory.
        store: the store's folder.
        remote: the URL that the store mirrors, if any.
        arguments: the parameters, by argument.
        artifacts: those that the stage or its gates read.
        random_state: digest of the state to continue from.
        key: the result's key in the cache; empty when it is not kept there.
        ingredients: what the key was made of.
        mentions: texts of the stage's code that may name files.
        variables: environment variables that its code may read.
        known: digests of files, by path with the state in which they had it.
    """

    module: str
    stage: str
    run_dir: Path
    workspace: Path
    store: Path
    remote: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    artifacts: tuple[ArtifactRecord, ...] = ()
    random_state: str | None = None
    key: str = ""
    ingredients: Mapping[str, str] = field(default_factory=dict)
    mentions: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    known: Mapping[str, tuple[tuple[int, ...], str]] = field(default_factory=dict)


def result_path(run_dir: Path, stage: str) -> Path:
    """Where a stage's result lies."""
    return run_dir / "stages" / f"{stage}.json"
