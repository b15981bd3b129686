"""The pipeline computes what the notebook computes, to the last digit."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from nb2pipe.runtime.metrics import numbers
from tests.end_to_end.conftest import ROOT, Run, run_package

SCORES = {"flight_delays": ("metrics", "slices"), "digits_torch": ("metrics", "recall_by_digit")}


def metrics_of_notebook(name: str, data: Path, folder: Path) -> dict[str, float]:
    """Executes the notebook by papermill in a folder of its own; what its evaluation came to."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    wanted = ", ".join(f"{score!r}: {score}" for score in SCORES[name])
    code = f"import json as _json\n_json.dump({{{wanted}}}, open('scores.json', 'w'))"
    notebook.cells.append(nbformat.v4.new_code_cell(code))
    nbformat.write(notebook, folder / "in.ipynb")
    (folder / "data").symlink_to(data / "data")
    papermill.execute_notebook(
        folder / "in.ipynb", folder / "out.ipynb", cwd=str(folder), kernel_name="python3", progress_bar=False
    )
    scores: dict[str, Any] = json.loads((folder / "scores.json").read_text())
    return numbers(scores)


@pytest.fixture(scope="module", params=sorted(SCORES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def run(name: str, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    config = ROOT / "generated" / name / "config"
    output = tmp_path_factory.mktemp(name) / "runs"
    return run_package(ROOT / "generated" / name, output, "--config", str(config), "--data", str(data))


def test_metrics_are_the_same_to_the_last_digit(name: str, run: Run, data: Path, tmp_path: Path) -> None:
    os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
    assert run.code == 0, run.stderr
    assert run.record["metrics"] == metrics_of_notebook(name, data, tmp_path)


def test_the_model_is_registered_with_signature_requirements_and_alias(name: str, run: Run) -> None:
    import mlflow
    from mlflow.models import get_model_info

    model = run.record["model"]
    mlflow.set_tracking_uri(model["tracking_uri"])
    version = mlflow.MlflowClient().get_model_version_by_alias(name, "challenger")
    assert str(version.version) == model["version"]
    info = get_model_info(f"models:/{name}@challenger")
    assert info.signature is not None and info.signature.inputs is not None
    requirements = mlflow.pyfunc.get_model_dependencies(f"models:/{name}@challenger")
    assert "==" in Path(requirements).read_text()


def test_the_report_and_figures_are_there(run: Run) -> None:
    report = (run.folder / "report.html").read_text(encoding="utf-8")
    figures = [figure for stage in run.record["stages"] for figure in stage["figures"]]
    assert len(figures) == 2
    assert report.count("data:image/png;base64,") == len(figures)
    assert "http://" not in report.replace("http://www.w3.org/2000/svg", "")


def test_each_stage_had_a_process_of_its_own_and_left_its_log(run: Run) -> None:
    assert all((run.folder / stage["log"]).is_file() for stage in run.record["stages"])


def test_the_run_used_the_interpreter_that_started_it(run: Run) -> None:
    assert run.record["versions"]["python"] == ".".join(str(part) for part in sys.version_info[:3])
