"""Runs in a real MLflow store: what is logged, what loads again, and what stays as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from nb2pipe.runtime import tracking
from nb2pipe.runtime.definition import Registration
from nb2pipe.runtime.record import (
    ConfigValue,
    DataVersion,
    FigureRecord,
    GateRecord,
    ModelVersion,
    RunRecord,
    StageRecord,
    Status,
)

X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [0, 1, 0, 1]})
RECORD = RunRecord(
    run_id="run-1",
    pipeline="tracked",
    status=Status.DONE,
    exit_code=0,
    trigger="manual",
    experiment_id=None,
    environment="dev",
    started="2026-01-01T00:00:00+00:00",
    seconds=2.0,
    command=("run",),
    versions={"python": "3.11", "nb2pipe": "0", "pandas": "3"},
    commit="abc",
    dirty=False,
    notebook_digest="d1",
    config={"train.seed": ConfigValue(7, "--set"), "long": ConfigValue("x" * 50_000, "base.yaml")},
    data=(DataVersion("load.path", "f.csv", "d2", 3),),
    stages=(StageRecord("train", "train", Status.DONE, figures=(FigureRecord("train", "figures/train-1.png", ""),)),),
    gates=(GateRecord("evaluation", "evaluation", "train", True, ""),),
    metrics={"auc": 0.75, "lost": float("nan"), "p@10": 1.0},
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all, as its first use takes seconds."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """From an empty working directory, which must stay empty."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(here)
    yield
    assert list(here.iterdir()) == []


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An import package called like the pipeline, with classes of its own."""
    folder = tmp_path / "source" / "tracked"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "helpers.py").write_text(
        textwrap.dedent("""
            class Summing:
                def predict(self, X):
                    return X.sum(axis=1)
        """)
    )
    monkeypatch.syspath_prepend(str(folder.parent))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "tracked"]:
        del sys.modules[name]


def log(
    store: Path, record: RunRecord = RECORD, model: Any = None, example: Any = X, run_dir: Path | None = None
) -> RunRecord:
    values = {"train.model": model, "test.X": example}
    registration = None if model is None else Registration("train.model", example="test.X")
    return tracking.log_run(record, run_dir or store, store, registration, values.__getitem__)


def client(store: Path) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(f"sqlite:///{store / 'mlflow.db'}")


def version_of(record: RunRecord) -> ModelVersion:
    assert record.model is not None
    return record.model


def load(record: RunRecord) -> Any:
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    mlflow.set_tracking_uri(record.tracking_uri)
    try:
        return mlflow.pyfunc.load_model(version_of(record).uri)
    finally:
        mlflow.set_tracking_uri(before)
        os.environ.pop("MLFLOW_TRACKING_URI", None)


def test_a_run_is_logged_with_values_tags_and_files(store: Path, tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "train-1.png").write_bytes(b"png")
    logged = log(store, run_dir=tmp_path)
    run = client(store).get_run(logged.mlflow_run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"auc": 0.75, "p_10": 1.0}
    assert run.data.params["train.seed"] == "7"
    assert run.data.params["long"].endswith("… (50000 characters)")
    assert run.data.tags["nb2pipe.data.load.path"] == "d2"
    assert run.data.tags["nb2pipe.gate.evaluation"] == "passed"
    assert run.data.tags["nb2pipe.metrics_not_finite"] == "lost=nan"
    assert [file.path for file in client(store).list_artifacts(run.info.run_id, "figures")] == ["figures/train-1.png"]


def test_the_logged_record_names_its_own_mlflow_run(store: Path) -> None:
    logged = log(store)
    artifacts = Path(client(store).get_run(logged.mlflow_run_id).info.artifact_uri.removeprefix("file://"))
    record = json.loads((artifacts / "run.json").read_text())
    assert (record["mlflow_run_id"], record["metrics"]["lost"]) == (logged.mlflow_run_id, "NaN")
    assert artifacts.is_relative_to(store / "mlartifacts")


def test_a_report_that_comes_later_is_added(store: Path, tmp_path: Path) -> None:
    logged = log(store, run_dir=tmp_path)
    (tmp_path / "report.html").write_text("report")
    tracking.log_report(logged, tmp_path)
    assert "report.html" in [file.path for file in client(store).list_artifacts(logged.mlflow_run_id)]


@pytest.mark.parametrize("status", [Status.FAILED, Status.STOPPED])
def test_a_run_that_did_not_get_through_has_failed(store: Path, status: Status) -> None:
    logged = log(store, replace(RECORD, status=status))
    assert client(store).get_run(logged.mlflow_run_id).info.status == "FAILED"


def test_a_model_becomes_the_challenger_with_its_lineage(store: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    first = log(store, model=LogisticRegression().fit(X, [0, 0, 1, 1]))
    second = version_of(log(store, model=LogisticRegression().fit(X, [0, 0, 1, 1])))
    assert int(second.version) == int(version_of(first).version) + 1
    found = client(store).get_model_version_by_alias("tracked", "challenger")
    assert str(found.version) == second.version
    assert found.tags == {
        "nb2pipe.run_id": "run-1",
        "nb2pipe.commit": "abc",
        "nb2pipe.notebook_digest": "d1",
        "nb2pipe.data.load.path": "d2",
    }


def test_a_scikit_learn_model_loads_again_with_signature_example_and_pins(store: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(X, [0, 0, 1, 1])
    loaded = load(log(store, model=model))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.metadata.signature.inputs.input_names() == ["a", "b"]
    assert loaded.input_example.equals(X)
    pins = Path(mlflow.pyfunc.get_model_dependencies(loaded.metadata.artifact_path))
    assert {line.partition("==")[0] for line in pins.read_text().split()} == {
        "cloudpickle",
        "mlflow",
        "numpy",
        "pandas",
        "scikit-learn",
    }


def test_a_torch_model_loads_again(store: Path) -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Dropout())
    loaded = load(log(store, model=model, example=torch.tensor(X.to_numpy(), dtype=torch.float64)))
    array = X.to_numpy(dtype=np.float32)
    model.eval()
    np.testing.assert_allclose(loaded.predict(array), model(torch.tensor(array)).detach().numpy())


def test_a_class_of_the_package_loads_where_the_package_is_not(store: Path, package: Path) -> None:
    from tracked.helpers import Summing  # type: ignore[import-not-found]

    logged = version_of(log(store, model=Summing()))
    code = f"""
        import mlflow, pandas as pd
        mlflow.set_tracking_uri({logged.tracking_uri!r})
        print(list(mlflow.pyfunc.load_model({logged.uri!r}).predict(pd.DataFrame({{"a": [1.0], "b": [2]}}))))
    """
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={}, cwd=store)
    assert (done.stdout.strip(), done.returncode) == ("[3.0]", 0), done.stderr


def test_an_object_that_cannot_predict_is_refused_and_the_run_has_failed(store: Path) -> None:
    with pytest.raises(TypeError, match=r"builtins\.dict, which has no predict"):
        log(store, replace(RECORD, pipeline="refused"), model={})
    experiment = client(store).get_experiment_by_name("refused")
    assert client(store).search_runs([experiment.experiment_id])[0].info.status == "FAILED"


def test_a_model_that_cannot_take_its_example_says_so_on_its_version(store: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    model = version_of(log(store, model=LogisticRegression().fit(X, [0, 0, 1, 1]), example=pd.DataFrame({"c": [1]})))
    tags = client(store).get_model_version(model.name, model.version).tags
    assert tags["nb2pipe.no_signature"].startswith("ValueError: ")


def test_the_environment_and_mlflows_settings_are_as_before(store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log(store)
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert not mlflow.is_tracking_uri_set()
    assert capfd.readouterr() == ("", "")


def test_the_environments_server_is_used(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store / 'mlflow.db'}")
    logged = log(tmp_path / "unused")
    assert logged.tracking_uri == os.environ["MLFLOW_TRACKING_URI"]
    assert not (tmp_path / "unused" / "mlflow.db").exists()


def test_a_database_whose_making_was_interrupted_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db.new").write_bytes(b"half")
    log(tmp_path)
    assert sorted(file.name for file in tmp_path.glob("mlflow.db*")) == ["mlflow.db"]


def test_two_runs_may_be_the_first(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from nb2pipe.runtime.tracking import open_database
        open_database(Path(sys.argv[1]))
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[1] for process in both] == ["", ""]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train.lr", "a/b", "two words"], ["train.lr", "a/b", "two words"]),
        (["p@10", "p%10"], ["p_10", "p_10_2"]),
        (["../up", "/abs", "a//b", "."], ["up", "abs", "a/b", "_"]),
        (["x" * 300], ["x" * 250]),
    ],
)
def test_names_are_made_safe_and_stay_apart(names: list[str], expected: list[str]) -> None:
    assert list(tracking.safe_names(names).values()) == expected
