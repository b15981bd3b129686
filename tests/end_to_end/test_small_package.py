"""A small notebook, converted and run: config layers, failures traced to their cells, conversions that keep edits."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Run, run_package
from tests.notebooks import write_notebook

NOTEBOOK = """
# %% [markdown]
# # A straight line
# %%
import numpy as np
from sklearn.linear_model import Ridge
# %% tags=["parameters"]
rows = 40
# %% tags=["stage:load_data"]
x = np.arange(rows, dtype=float).reshape(-1, 1)
y = 3.0 * x.ravel() + 1.0
# %% tags=["stage:train"]
# a gentle penalty
model = Ridge(alpha=0.5)
model.fit(x, y)
# %% tags=["stage:evaluate"]
metrics = {
    "r2": float(model.score(x, y)),
    "slope": float(model.coef_[0]) / (0 if rows == 13 else 1),
}
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    notebook = write_notebook(folder / "notebooks" / "line.ipynb", NOTEBOOK)
    return convert(notebook, folder / "generated")


def convert(notebook: Path, output: Path) -> Path:
    command = [sys.executable, "-m", "nb2pipe", "convert", str(notebook), "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def alpha(run: Run) -> tuple[object, str]:
    used = run.record["config"]["train.ridge.alpha"]
    return used["value"], used["origin"]


KEY = "train.ridge.alpha"
FURTHER = "train:\n  ridge:\n    alpha: 2.5\n"


def test_the_order_of_precedence_holds_and_is_recorded(package: Path, tmp_path: Path) -> None:
    package = Path(shutil.copytree(package, tmp_path / "line"))
    further = tmp_path / "further.yaml"
    further.write_text(FURTHER)
    (package / "config" / "staging.yaml").write_text("train:\n  ridge:\n    alpha: 1.5\n")
    staging = {"APP_ENV": "staging"}
    variable = {**staging, "LINE__TRAIN__RIDGE__ALPHA": "3.5"}
    options = ("--data", str(tmp_path))
    layers = [
        (run_package(package, tmp_path / "a", *options), 0.5, "config/base.yaml"),
        (run_package(package, tmp_path / "b", *options, environment=staging), 1.5, "config/staging.yaml"),
        (
            run_package(package, tmp_path / "c", *options, "--config", str(further), environment=staging),
            2.5,
            "further.yaml",
        ),
        (
            run_package(package, tmp_path / "d", *options, "--config", str(further), environment=variable),
            3.5,
            "LINE__TRAIN",
        ),
        (run_package(package, tmp_path / "e", *options, "--set", f"{KEY}=4.5", environment=variable), 4.5, "--set"),
    ]
    for run, value, origin in layers:
        assert run.code == 0, run.stderr
        assert alpha(run)[0] == value
        assert origin in alpha(run)[1]
    assert len({run.record["metrics"]["slope"] for run, _, _ in layers}) == len(layers)


def test_a_stage_that_raises_shows_cell_and_line_of_both(package: Path, tmp_path: Path) -> None:
    run = run_package(package, tmp_path / "runs", "--data", str(tmp_path), "--set", "parameters.rows=13")
    assert run.code == 1
    assert "cell 6, line 3" in run.stderr
    stage = package / "line" / "stages" / "evaluate.py"
    line = 1 + next(n for n, text in enumerate(stage.read_text().split("\n")) if "coef_" in text)
    assert f"line/stages/evaluate.py:{line}" in run.stderr
    report = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "cell 6" in report and f"evaluate.py:{line}" in report
    assert "Traceback" not in run.stderr


def test_an_edit_by_hand_survives_a_changed_notebook(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "line.ipynb", NOTEBOOK)
    package = convert(notebook, tmp_path / "generated")
    stage = package / "line" / "stages" / "train.py"
    stage.write_text(stage.read_text().replace("# a gentle penalty", "# a gentle penalty, agreed with Ada"))
    write_notebook(notebook, NOTEBOOK.replace("model.fit(x, y)", "model.fit(x, y)\nprint(model.coef_)"))
    convert(notebook, tmp_path / "generated")
    text = stage.read_text()
    assert "agreed with Ada" in text and "print(model.coef_)" in text


def test_a_conflict_is_marked_and_told(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "line.ipynb", NOTEBOOK)
    package = convert(notebook, tmp_path / "generated")
    stage = package / "line" / "stages" / "train.py"
    stage.write_text(stage.read_text().replace("model.fit(x, y)", "model.fit(x, y, None)"))
    write_notebook(notebook, NOTEBOOK.replace("model.fit(x, y)", "model.fit(x, 2 * y)"))
    command = [sys.executable, "-m", "nb2pipe", "convert", str(notebook), "--output", str(tmp_path / "generated")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "line/stages/train.py" in done.stderr and "<<<<<<< yours" in done.stderr
    assert "<<<<<<< yours\n    model.fit(x, y, None)\n" in stage.read_text()


def test_steps_one_by_one_give_what_the_run_gives(package: Path, tmp_path: Path) -> None:
    whole = run_package(package, tmp_path / "whole", "--data", str(tmp_path))
    for stage in ("load_data", "train", "evaluate"):
        command = [sys.executable, "-m", "line", "step", stage, "--run-id", "r", "--data", str(tmp_path)]
        command += ["--output", str(tmp_path / "steps")]
        done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(package)}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    steps = Run(0, "", "", tmp_path / "steps" / "r")
    assert steps.record["metrics"] == whole.record["metrics"]


def test_the_generated_tests_pass(package: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=package, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_generated_package_passes_its_own_linter(package: Path) -> None:
    from ruff import find_ruff_bin

    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [find_ruff_bin(), *command, "--no-cache", "."], cwd=package, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout
