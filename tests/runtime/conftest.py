"""Fixtures of the runtime's tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nb2pipe.runtime import RunOptions, runner, steps
from nb2pipe.runtime.definition import Pipeline
from nb2pipe.runtime.record import RunRecord
from tests.runtime.running import HANDMADE, Heard, NoTracking

Runs = Callable[..., RunRecord]


@pytest.fixture
def handmade(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """The definition of the package in ``packages/handmade``."""
    monkeypatch.delenv("APP_ENV", raising=False)
    if str(HANDMADE) not in sys.path:
        sys.path.insert(0, str(HANDMADE))
    from handmade.pipeline import PIPELINE

    return PIPELINE


@pytest.fixture
def runs(handmade: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Runs the handmade package: real processes, no MLflow. Words are options, ``set`` a list of overrides."""
    monkeypatch.setattr(runner, "Tracking", NoTracking)
    monkeypatch.setattr(steps, "Tracking", NoTracking)

    def run(*overrides: str, reporter: Heard | None = None, stage: str | None = None, **options: Any) -> RunRecord:
        chosen = RunOptions(**{"output": tmp_path / "runs", "overrides": overrides, **options})
        heard = Heard() if reporter is None else reporter
        if stage is not None:
            return steps.execute_step(handmade, stage, chosen, heard)
        return runner.execute(handmade, chosen, heard)

    return run
