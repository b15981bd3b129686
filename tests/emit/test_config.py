"""What the config files say, and what they give back to a reader."""

from __future__ import annotations

import ast
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from nb2pipe.emit.config import config_files
from nb2pipe.pipeline.model import Parameter, ParameterKind, Pipeline, Stage
from nb2pipe.runtime.config_types import checked
from nb2pipe.runtime.yaml_reader import read_yaml

BASE = """\
# Parameters of demo, with the notebook's values.
# Later layers override earlier ones: this file, <environment>.yaml, --config FILE,
# environment variables (DEMO__SECTION__KEY), --set section.key=value.

# The folder that relative paths start from, seen from this package; --data replaces it.
data:
  root: "../../notebooks"

# Cell 2.
parameters:
  seed: 7

# Cell 4.
load_data:
  read_csv:
    path: data/a.csv # read in cell 4

# Cell 6.
train:
  ridge:
    alpha: 1.0e-05

# Bounds that metrics must keep, from cell 8.
gates:
  evaluation:
    r2:
      min: 0.5
"""
SURVIVING = [
    (7, "int"), (10**30, "int"), (True, "bool"), (None, "Any"),
    (0.1, "float"), (-0.0, "float"), (1e-5, "float"), (1e22, "float"), (5e-324, "float"), (math.inf, "float"),
    ("", "str"), ("no", "str"), ("on", "str"), ("Y", "str"), ("null", "str"), ("~", "str"), ("=", "str"),
    ("1e-3", "str"), ("0x1F", "str"), ("1:30", "str"), ("2024-01-01", "str"), ("a: b", "str"), ("a #b", "str"),
    (" a ", "str"), ("a\nb\t", "str"), ("é 😀", "str"), ("{{ x }}", "str"), ("!!python/none x", "str"), ("&a", "str"),
    ([1, None], "list[Any]"), ([1, 2.0], "list[Any]"), ([], "list[Any]"), (["a, b", "c]"], "list[str]"),
    ((1, 2), "tuple[int, ...]"), ((1, "a"), "tuple[int, str]"), ({1, 2}, "set[int]"),
    ({"no": [1], "2": [2]}, "dict[str, list[int]]"), ({1: "a"}, "dict[int, str]"),
]  # fmt: skip


def with_parameters(pipeline: Pipeline, *parameters: tuple[str, Any]) -> Pipeline:
    made = [Parameter(key, value, "Any", ParameterKind.CONSTANT, 1, 1) for key, value in parameters]
    return replace(pipeline, parameters=tuple(made))


def loaded(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_base_is_what_a_person_would_write(pipeline: Pipeline) -> None:
    assert config_files(pipeline)["config/base.yaml"] == BASE


def test_output_paths_say_so(pipeline: Pipeline) -> None:
    parameter = Parameter("train.path", "model.bin", "str", ParameterKind.OUTPUT_PATH, 6, 1)
    text = config_files(replace(pipeline, parameters=(parameter,)))["config/base.yaml"]
    assert "path: model.bin # written in cell 6\n" in text


def test_stages_called_like_sections_of_its_own_lose_nothing(pipeline: Pipeline) -> None:
    stages = tuple(replace(stage, name=name) for stage, name in zip(pipeline.stages, ("data", "gates"), strict=True))
    base = config_files(with_parameters(replace(pipeline, stages=stages), ("data.x", 1), ("gates.x", 2)))
    assert loaded(base["config/base.yaml"]) == {
        "data": {"root": "../../notebooks", "x": 1},
        "gates": {"x": 2, "evaluation": {"r2": {"min": 0.5}}},
    }


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_environments_override_nothing_yet(pipeline: Pipeline, environment: str) -> None:
    assert loaded(config_files(pipeline)[f"config/{environment}.yaml"]) == {}


def test_the_example_of_an_override_works_when_uncommented(pipeline: Pipeline) -> None:
    _, _, *example, braces = config_files(pipeline)["config/dev.yaml"].splitlines()
    assert braces == "{}"
    assert loaded("\n".join(line.removeprefix("# ") for line in example)) == {"train": {"ridge": {"alpha": 1e-5}}}


def test_a_notebook_without_parameters_has_an_example_too(pipeline: Pipeline) -> None:
    assert "#   root:" in config_files(with_parameters(pipeline))["config/dev.yaml"]


@pytest.mark.parametrize("word", ["no", "On", "y", "1e-3", "0o7", "2024-01-01", "1_000", "12:30:45", ".inf", "null"])
def test_text_that_yaml_1_1_would_misread_is_quoted(pipeline: Pipeline, word: str) -> None:
    assert f'x: "{word}"\n' in config_files(with_parameters(pipeline, ("a.x", word)))["config/base.yaml"]


@pytest.mark.parametrize(("value", "annotation"), SURVIVING, ids=repr)
def test_the_runtime_reads_what_was_written(pipeline: Pipeline, tmp_path: Path, value: object, annotation: str) -> None:
    path = tmp_path / "base.yaml"
    path.write_text(config_files(with_parameters(pipeline, ("a.x", value)))["config/base.yaml"], encoding="utf-8")
    node = read_yaml(path, "base.yaml")
    for key in ("a", "x"):
        assert node is not None
        node = dict(node.items())[key]
    assert node is not None
    read = checked([node.value()], eval(annotation, {"Any": Any}), "a.x")
    assert repr(read) == repr(value) and ast.dump(ast.parse(repr(read))) == ast.dump(ast.parse(repr(value)))


def test_dumping_leaves_ruamel_as_it_was(pipeline: Pipeline) -> None:
    from ruamel.yaml.representer import RoundTripRepresenter

    before = dict(RoundTripRepresenter.yaml_representers)
    config_files(pipeline)
    assert RoundTripRepresenter.yaml_representers == before


def test_the_order_is_the_pipelines(pipeline: Pipeline) -> None:
    stages: tuple[Stage, ...] = tuple(reversed(pipeline.stages))
    base = loaded(config_files(replace(pipeline, stages=stages))["config/base.yaml"])
    assert list(base) == ["data", "parameters", "train", "load_data", "gates"]
