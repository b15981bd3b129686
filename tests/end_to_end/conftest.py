"""Real notebooks, real data, real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """A finished run: its exit code, what it said, and its record."""

    code: int
    stdout: str
    stderr: str
    folder: Path

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return record

    def stage(self, name: str) -> dict[str, Any]:
        return next(stage for stage in self.record["stages"] if stage["name"] == name)


def run_package(
    package: Path,
    output: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    python: str = sys.executable,
    module_path: bool = True,
) -> Run:
    """`python -m <package> run` from an empty folder, with no environment but what is given."""
    empty = output.parent / f"{output.name}-cwd"
    empty.mkdir(parents=True, exist_ok=True)
    given = {**({"PYTHONPATH": str(package)} if module_path else {}), **(environment or {})}
    command: Sequence[str] = [python, "-m", package.name, "run", "--output", str(output), "--run-id", "r", *options]
    done = subprocess.run(command, cwd=empty, env=given, capture_output=True, text=True, check=False)
    assert list(empty.iterdir()) == [], "a run leaves nothing in the current folder"
    return Run(done.returncode, done.stdout, done.stderr, output / "r")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder that stands in for the notebooks' own, with the tables laid out."""
    subprocess.run([sys.executable, str(ROOT / "notebooks" / "prepare_data.py")], check=True, env=dict(os.environ))
    return ROOT / "notebooks"
