"""The files around the code: what they hold, and that no text of the notebook's becomes code in them."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruff import find_ruff_bin

from nb2pipe import __version__
from nb2pipe.emit.project import project_files, requirements
from nb2pipe.emit.templates import docstring, markdown, toml
from nb2pipe.pipeline.model import Artifact, Parameter, ParameterKind, Pipeline, Registration, Stage

VERSIONS = {"pandas": "2.2.3", "pandera": "0.24.0", "scikit_learn": "1.5.2", "torch": "2.6.0+cpu", "ruff": "0.15.1"}
HOSTILE = [
    '"""; import os #',
    "{{ 7*7 }} {% raw %}",
    "[[ 7*7 ]] [% raw %]",
    "two\nlines\r\n# and\u2028more",
    "```\nrm -rf ~\n``` | <script>",
    "100 %(prog)d",
    'ends in a quote"',
    "ends in a backslash\\",
    "nul \x00, delete \x7f, half a pair \ud800",
    "flights 😀",
    "import nb2pipe",
    "   ",
]
#: What stands in for nb2pipe's runtime, so that the entry point runs by itself.
DEFINITION = """
from types import SimpleNamespace

PIPELINE = SimpleNamespace(stages=(SimpleNamespace(name="load_data"), SimpleNamespace(name="train")))


def RunOptions(**given):
    return given


def run(pipeline, options):
    print("run", options)
    return 3


def step(pipeline, stage, options):
    print("step", stage, options)
    return 1
"""


def stage(name: str, inputs: dict[str, str], outputs: tuple[str, ...], cell: int) -> Stage:
    return Stage(
        name=name,
        kind=name,
        inputs=inputs,
        params={"seed": "train.seed"} if name == "train" else {},
        outputs=tuple(Artifact(name, output, None) for output in outputs),
        shared=(),
        metrics=(),
        settings=(),
        random_state=None,
        saves_random_state=False,
        after=(),
        cells=(cell, cell + 1),
        doc=f"Stage {name}.",
    )


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A plan made by hand; what is installed here does not matter to it."""
    monkeypatch.setattr("importlib.metadata.packages_distributions", lambda: {"sklearn": ["scikit-learn"]})
    return Pipeline(
        name="toy_model",
        title="Toy model",
        description="Learns *nothing*.",
        notebook_path="../notebooks/toy_model.ipynb",
        notebook_digest="0" * 64,
        stages=(
            stage("load_data", {}, ("flights", "planes"), 1),
            stage("train", {"flights": "load_data.flights", "planes": "load_data.planes"}, ("model",), 3),
            stage("evaluate", {"model": "train.model"}, (), 5),
        ),
        parameters=(Parameter("train.seed", 7, "int", ParameterKind.HYPERPARAMETER, 3, 1),),
        contracts=(),
        thresholds=(),
        registration=Registration("train.model", None, None),
        distributions=("sklearn", "torch", "cv2"),
        evaluation_gate_after="evaluate",
    )


def laid_out(files: dict[str, str], folder: Path) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


# Every file is what its name says


@pytest.mark.parametrize("text", ["Toy model", *HOSTILE], ids=ascii)
def test_text_of_the_notebook_stays_text(pipeline: Pipeline, text: str, tmp_path: Path) -> None:
    plain = project_files(pipeline, VERSIONS)
    files = project_files(replace(pipeline, title=text, description=text), VERSIONS)
    assert files.keys() == plain.keys()
    for path in files:
        if path.endswith(".py"):
            tree, expected = ast.parse(files[path]), ast.parse(plain[path])
            assert ast.get_docstring(tree)
            assert [ast.dump(node) for node in tree.body[1:]] == [ast.dump(node) for node in expected.body[1:]]
        elif path not in ("README.md", "pyproject.toml"):
            assert files[path] == plain[path]
    project, expected_project = tomllib.loads(files["pyproject.toml"]), tomllib.loads(plain["pyproject.toml"])
    assert project["project"].pop("description").isprintable()
    assert expected_project["project"].pop("description") == "Toy model"
    assert project == expected_project
    assert len(files["README.md"].splitlines()) == len(plain["README.md"].splitlines())
    assert files["README.md"].count("```") == plain["README.md"].count("```")
    laid_out(files, tmp_path)  # everything can be written as UTF-8


def test_modules_pass_the_rules_of_the_package(pipeline: Pipeline, tmp_path: Path) -> None:
    files = {**project_files(pipeline, VERSIONS), "toy_model/pipeline.py": "", "toy_model/contracts.py": ""}
    command = [find_ruff_bin(), "check", "--no-cache", "--output-format", "concise", "."]
    done = subprocess.run(command, cwd=laid_out(files, tmp_path), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", ["Dockerfile", ".dockerignore", ".gitignore"])
def test_nothing_is_left_of_the_templates(pipeline: Pipeline, path: str) -> None:
    text = project_files(pipeline, VERSIONS)[path]
    assert text.endswith("\n")
    assert not any(mark in text for mark in ("{{", "}}", "{%", "[[", "[%"))


def test_project(pipeline: Pipeline) -> None:
    found = tomllib.loads(project_files(pipeline, VERSIONS)["pyproject.toml"])
    assert found["project"]["name"] == "toy-model"
    assert found["project"]["requires-python"] == ">=3.11,<3.14"
    assert found["project"]["scripts"] == {"toy_model": "toy_model.__main__:main"}
    wheel = found["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["toy_model"]
    assert wheel["force-include"] == {"config": "toy_model/config", "notebook.lock": "toy_model/notebook.lock"}


# What the package depends on


def test_requirements_are_pinned_and_sorted(pipeline: Pipeline) -> None:
    assert requirements(pipeline, VERSIONS) == [
        f"nb2pipe=={__version__}",
        "opencv-python",
        "pandas==2.2.3",
        "pandera==0.24.0",
        "scikit_learn==1.5.2",
        "torch==2.6.0",
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_the_distribution_is_the_one_known_by_the_module(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, order: int
) -> None:
    holders = ["mlflow-skinny", "mlflow", "mlflow-tracing"][::order]
    monkeypatch.setattr("importlib.metadata.packages_distributions", lambda: {"mlflow": holders})
    found = requirements(replace(pipeline, distributions=("mlflow.sklearn",)), dict.fromkeys(holders, "3.12.0"))
    assert "mlflow==3.12.0" in found
    assert not any(requirement.startswith("mlflow-") for requirement in found)


def test_another_distribution_of_the_module_counts(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.packages_distributions", lambda: {"cv2": ["opencv-python-headless"]})
    found = requirements(replace(pipeline, distributions=("cv2",)), {"opencv-python-headless": "4.10.0"})
    assert "opencv-python-headless==4.10.0" in found


# README, workflows, entry point


def test_readme_shows_the_graph_and_the_stages(pipeline: Pipeline) -> None:
    readme = project_files(pipeline, VERSIONS)["README.md"]
    assert 'stage_load_data -->|"flights, planes"| stage_train' in readme
    assert 'stage_train -->|"model"| stage_evaluate' in readme
    assert "| [`load_data`](toy_model/stages/load_data.py) | load_data | 1, 2 | `flights`, `planes` |" in readme
    assert "TOY_MODEL__TRAIN__SEED" in readme
    assert r"Learns \*nothing\*." in readme


@pytest.mark.parametrize(
    ("notebook", "command"),
    [
        ("../notebooks/toy_model.ipynb", "nb2pipe convert ../notebooks/toy_model.ipynb --output .."),
        ("../toy model.ipynb", "nb2pipe convert '../toy model.ipynb' --output .."),
        ("../other.ipynb", "nb2pipe convert ../other.ipynb --output .. --name toy_model"),
        ("../```\nrm; .ipynb", "nb2pipe convert '../``` rm; .ipynb' --output .. --name toy_model"),
    ],
)
def test_readme_tells_how_to_convert_again(pipeline: Pipeline, notebook: str, command: str) -> None:
    readme = project_files(replace(pipeline, notebook_path=notebook), VERSIONS)["README.md"]
    assert f"```\n{command}\n```\n" in readme


def test_its_tests_register_nothing_on_a_server(pipeline: Pipeline) -> None:
    text = project_files(pipeline, VERSIONS)["tests/test_pipeline.py"]
    assert '("APP_ENV", "MLFLOW_", "TOY_MODEL__")' in text


def test_ci_lints_with_the_formatter_that_was_used(pipeline: Pipeline) -> None:
    steps = yaml(project_files(pipeline, VERSIONS)[".github/workflows/ci.yml"])["jobs"]["test"]["steps"]
    commands = [entry["run"] for entry in steps if "run" in entry]
    assert 'pip install -e ".[test]" ruff==0.15.1' in commands
    assert commands[-1] == "pytest"


def test_cd_builds_once_and_promotes_the_digest(pipeline: Pipeline) -> None:
    text = project_files(pipeline, VERSIONS)[".github/workflows/cd.yml"]
    jobs = yaml(text)["jobs"]
    assert [(name, job.get("needs"), job.get("environment")) for name, job in jobs.items()] == [
        ("build", None, None),
        ("dev", ["build"], "dev"),
        ("staging", ["build", "dev"], "staging"),
        ("prod", ["build", "staging"], "prod"),
    ]
    assert text.count("build-push-action") == 1
    for name in ("dev", "staging", "prod"):
        assert "@${{ needs.build.outputs.digest }}" in jobs[name]["steps"][-1]["run"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "--jobs", "2", "--set", "a=1", "--set", "b=2", "--from", "train"], 3, "'overrides': ('a=1', 'b=2')"),
        (["run", "--only", "train", "--fresh"], 3, "'only': 'train', 'fresh': True"),
        (["run"], 3, "'trigger': 'manual'"),
        (["step", "train", "--run-id", "mine"], 1, "step train"),
        (["step", "nothing"], 2, ""),
        (["--help"], 0, "example: python -m toy_model run"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_entry_point(pipeline: Pipeline, tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    files = project_files(replace(pipeline, title="100 %(prog)d"), VERSIONS)
    laid_out({**files, "toy_model/pipeline.py": DEFINITION}, tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "toy_model", *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert said in done.stdout


# Filters


def test_filters() -> None:
    assert toml('a "b"\n\\ 😀') == r'"a \"b\" \\ 😀"'
    assert markdown("`a` | <b> [c](d)") == r"\`a\` \| \<b\> \[c\](d)"
    assert docstring("Why?") == '"""Why?"""'
    assert ast.literal_eval(docstring('x"""')) == 'x""".'
