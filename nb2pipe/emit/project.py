"""The files around the code: README, packaging, entry point, tests, container and workflows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from nb2pipe import __version__
from nb2pipe.emit.source import quoted
from nb2pipe.emit.templates import environment
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
    templates.filters["toml"] = json.dumps
    files = {path: templates.get_template(f"{path}.j2").render(values) for path in PLAIN}
    files[WORKFLOW] = environment(brackets=True).get_template(f"{WORKFLOW}.j2").render(values)
    for module in ("__init__.py", "__main__.py"):
        files[f"{pipeline.name}/{module}"] = templates.get_template(f"package/{module}.j2").render(values)
    return files


def _values(pipeline: Pipeline, versions: Mapping[str, str]) -> dict[str, Any]:
    key = next((p.key for p in pipeline.parameters if p.annotation in ("int", "float")), "data.root")
    title = _one_line(pipeline.title) or pipeline.name
    return {
        "name": pipeline.name,
        "project": pipeline.name.replace("_", "-"),
        "title": title,
        "description": _markdown(pipeline.description),
        "notebook": pipeline.notebook_path.rpartition("/")[2].replace("`", "'"),
        "docstring": quoted(title if title[-1] in ".?!" else f"{title}."),
        "requirements": requirements(pipeline, versions),
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


def _one_line(text: str) -> str:
    """Text from the notebook on one line, without what Markdown, TOML or a docstring would read as theirs."""
    return re.sub(r"[`|<>{}\[\]\\]", "", " ".join(text.split()))


def _markdown(text: str) -> str:
    """A paragraph whose characters mean themselves."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(text.split()))


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
        for artifact in stage.inputs.values():
            source, _, name = artifact.partition(".")
            carried.setdefault((source, stage.name), []).append(name)
    return [Edge(_node(one), _node(other), _label(names)) for (one, other), names in carried.items()]


def _label(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown}, …" if len(names) > 4 else shown


def requirements(pipeline: Pipeline, versions: Mapping[str, str]) -> list[str]:
    """What the package depends on, pinned to the versions found; local parts (``+cpu``) are left out."""
    known = {name.lower(): (name, version) for name, version in versions.items()}
    modules = metadata.packages_distributions()
    wanted = {f"nb2pipe=={__version__}"}
    for module in {*pipeline.distributions, *ALWAYS}:
        candidates = [d for d in modules.get(module, ()) if d.lower() in known]
        name = candidates[0] if candidates else DISTRIBUTIONS.get(module, module)
        if name.lower() in ("nb2pipe", "pip"):
            continue
        found = known.get(name.lower())
        wanted.add(f"{found[0]}=={found[1].partition('+')[0]}" if found else name)
    return sorted(wanted, key=str.lower)
