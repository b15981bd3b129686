"""The files around the code: README, packaging, entry point, tests, container and workflows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import PurePosixPath
from typing import Any

from nb2pipe import __version__
from nb2pipe.emit.templates import environment, one_line
from nb2pipe.notebook.names import package_name
from nb2pipe.pipeline.model import Pipeline, Stage

#: Distributions whose import name differs, for those that are not installed here.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}
ALWAYS = ("pandas", "pandera")
PLAIN = (
    "README.md",
    "pyproject.toml",
    "Dockerfile",
    ".dockerignore",
    ".gitignore",
    ".github/workflows/ci.yml",
    "tests/test_stages.py",
    "tests/test_definition.py",
    "tests/test_pipeline.py",
)
WORKFLOW = ".github/workflows/cd.yml"


@dataclass(frozen=True)
class Edge:
    """An arrow of the README's graph: the artifacts that go from one stage to another."""

    source: str
    target: str
    label: str


def project_files(pipeline: Pipeline, versions: Mapping[str, str]) -> dict[str, str]:
    """Path → text of everything but the config, the lock, and the modules made from the notebook's code.

    ``versions`` are those of the installed distributions; what is not installed is not pinned.
    """
    values = _values(pipeline, versions)
    templates = environment()
    files = {path: templates.get_template(f"{path}.j2").render(values) for path in PLAIN}
    files[WORKFLOW] = environment(brackets=True).get_template(f"{WORKFLOW}.j2").render(values)
    for module in ("__init__.py", "__main__.py"):
        files[f"{pipeline.name}/{module}"] = templates.get_template(f"package/{module}.j2").render(values)
    return files


def _values(pipeline: Pipeline, versions: Mapping[str, str]) -> dict[str, Any]:
    key = next((p.key for p in pipeline.parameters if p.annotation in ("int", "float")), "data.root")
    return {
        "name": pipeline.name,
        "project": pipeline.name.replace("_", "-").strip("-"),
        "title": one_line(pipeline.title) or pipeline.name,
        "description": pipeline.description,
        "module_folders": sorted({path.partition("/")[0] for path in pipeline.modules if "/" in path}),
        "module_files": sorted(path for path in pipeline.modules if "/" not in path),
        "notebook": one_line(pipeline.notebook_path).rpartition("/")[2],
        "convert": _convert_command(pipeline),
        "requirements": requirements(pipeline, versions),
        "ruff": f"ruff=={versions['ruff']}" if "ruff" in versions else "ruff",
        "stages": [_stage_row(stage) for stage in pipeline.stages],
        "edges": _edges(pipeline),
        "example_key": key,
        "example_variable": "__".join([pipeline.name, *key.split(".")]).upper(),
        "data_gate": pipeline.data_gate_before,
        "evaluation_gate": pipeline.evaluation_gate_after,
        "model": pipeline.registration.model if pipeline.registration else None,
        "environments": [
            {"name": "dev", "after": None},
            {"name": "staging", "after": "dev"},
            {"name": "prod", "after": "staging"},
        ],
    }


def _convert_command(pipeline: Pipeline) -> str:
    """What converts the notebook again, from inside the package's folder."""
    usual = package_name(PurePosixPath(pipeline.notebook_path)) == pipeline.name
    named = [] if usual else ["--name", pipeline.name]
    return shlex.join(["nb2pipe", "convert", one_line(pipeline.notebook_path), "--output", "..", *named])


def _stage_row(stage: Stage) -> dict[str, str]:
    return {
        "name": stage.name,
        "node": _node(stage.name),
        "kind": stage.kind,
        "cells": ", ".join(str(cell) for cell in stage.cells),
        "outputs": ", ".join(f"`{artifact.name}`" for artifact in stage.outputs),
    }


def _node(stage: str) -> str:
    """An id that no word of mermaid's collides with."""
    return f"stage_{stage}"


def _edges(pipeline: Pipeline) -> list[Edge]:
    carried: dict[tuple[str, str], list[str]] = {}
    for stage in pipeline.stages:
        for artifact in [*stage.inputs.values(), *stage.restores.values()]:
            source, _, name = artifact.partition(".")
            carried.setdefault((source, stage.name), []).append(name)
    return [Edge(_node(one), _node(other), _label(names)) for (one, other), names in carried.items()]


def _label(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown}, …" if len(names) > 4 else shown


def requirements(pipeline: Pipeline, versions: Mapping[str, str]) -> list[str]:
    """What the package depends on, pinned to the versions found; local parts (``+cpu``) are left out."""
    known = {_normal(name): f"{name}=={version.partition('+')[0]}" for name, version in versions.items()}
    modules = metadata.packages_distributions()
    wanted = {"nb2pipe": f"nb2pipe=={__version__}"}
    for module in {*pipeline.distributions, *ALWAYS}:
        top = module.partition(".")[0]
        name = _distribution(top, [d for d in modules.get(top, ()) if _normal(d) in known])
        wanted.setdefault(_normal(name), known.get(_normal(name), name))
    return [wanted[name] for name in sorted(wanted)]


def _distribution(module: str, installed: Iterable[str]) -> str:
    """The distribution to ask for: of several that hold a module (``mlflow-skinny``), the one that is known by it."""
    usual = DISTRIBUTIONS.get(module, module)
    return min(installed, key=lambda name: (_normal(name) != _normal(usual), _normal(name)), default=usual)


def _normal(distribution: str) -> str:
    """Its name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()
