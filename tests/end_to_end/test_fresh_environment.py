"""What a user installs is enough: the wheel alone converts and runs, a package's declared dependencies run it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import ROOT, run_package

NAMES = ("flight_delays", "digits_torch")


def call(*command: str | Path, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def empty_environment(folder: Path) -> Path:
    """A new virtual environment; its interpreter."""
    call(sys.executable, "-m", "venv", str(folder))
    return folder / "bin" / "python"


def install(python: Path, *what: str) -> None:
    constraints = ROOT / "constraints.txt"
    call(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", constraints, *what)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT)
    return next(folder.glob("nb2pipe-*.whl"))


def test_the_wheel_alone_converts_and_runs_both_notebooks(wheel: Path, data: Path, tmp_path: Path) -> None:
    python = empty_environment(tmp_path / "venv")
    install(python, f"{wheel}[torch]")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(ROOT / "notebooks", elsewhere / "notebooks", ignore=shutil.ignore_patterns("data"))
    (elsewhere / "notebooks" / "data").symlink_to(data / "data")
    command = python.parent / "nb2pipe"
    for name in NAMES:
        package = call(command, "convert", f"notebooks/{name}.ipynb", cwd=elsewhere).strip()
        said = call(command, "run", package, "--output", "runs", "--json", cwd=elsewhere)
        assert json.loads(said.splitlines()[-1])["status"] == "done"


@pytest.mark.parametrize("name", NAMES)
def test_the_declared_dependencies_run_the_package(name: str, wheel: Path, data: Path, tmp_path: Path) -> None:
    python = empty_environment(tmp_path / "venv")
    package = shutil.copytree(ROOT / "generated" / name, tmp_path / "package" / name)
    install(python, "--find-links", str(wheel.parent), str(package))
    config = str(ROOT / "generated" / name / "config")
    installed = run_package(
        package, tmp_path / "a", "--config", config, "--data", str(data), python=str(python), module_path=False
    )
    assert installed.code == 0, installed.stderr
    here = run_package(ROOT / "generated" / name, tmp_path / "b", "--data", str(data))
    assert installed.record["metrics"] == here.record["metrics"]
    assert installed.record["model"]["alias"] == "challenger"
