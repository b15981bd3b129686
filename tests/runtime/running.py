"""Helpers of the runtime's tests: the handmade package, copied or in place, run here or in processes of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nb2pipe.runtime.record import GateRecord, RunRecord, StageRecord

REPOSITORY = Path(__file__).resolve().parents[2]
HANDMADE = Path(__file__).parent / "packages" / "handmade"


@dataclass
class Heard:
    """A reporter that remembers."""

    events: list[str] = field(default_factory=list)

    def run_started(self, record: RunRecord) -> None:
        self.events.append(f"run {record.run_id}")

    def stage_started(self, stage: StageRecord) -> None:
        self.events.append(f"{stage.name} started")

    def stage_ended(self, stage: StageRecord) -> None:
        self.events.append(f"{stage.name} {stage.status}")

    def gate_decided(self, gate: GateRecord) -> None:
        self.events.append(f"{gate.name} {'yes' if gate.passed else 'no'}")

    def run_ended(self, record: RunRecord, run_dir: Path) -> None:
        self.events.append(f"ended {record.status} in {run_dir.name}")


class NoTracking:
    """In place of MLflow, whose import takes longer than all stages; tests of whole commands have the real one."""

    def __enter__(self) -> NoTracking:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def get_ready(self) -> None:
        pass

    def begin(self, prepared: Any) -> None:
        pass

    def model_made(self, record: RunRecord) -> None:
        pass

    def logged(self, prepared: Any, record: RunRecord, *, may_register: bool) -> RunRecord:
        del prepared, may_register
        return record

    def add_report(self) -> None:
        pass


def copy_handmade(folder: Path) -> Path:
    """A copy of the package that a test may change."""
    return Path(shutil.copytree(HANDMADE, folder / "handmade", ignore=shutil.ignore_patterns("__pycache__")))


def command(
    *words: str, cwd: Path, package: Path = HANDMADE, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """``python -m handmade WORDS`` as a person would call it."""
    own = {**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{package}"}
    own.pop("APP_ENV", None)
    return subprocess.run(
        [sys.executable, "-m", "handmade", *words],
        cwd=cwd,
        env=own if environ is None else environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def stage_of(record: RunRecord, name: str) -> StageRecord:
    """A stage's part of the record."""
    return next(stage for stage in record.stages if stage.name == name)
