"""A plan made by hand: two stages, one parameter of most kinds."""

from __future__ import annotations

import pytest

from nb2pipe.pipeline.model import Artifact, Parameter, ParameterKind, Pipeline, Stage, Threshold


def _stage(name: str, inputs: dict[str, str], params: dict[str, str], output: str, cell: int) -> Stage:
    return Stage(
        name=name,
        kind=name,
        inputs=inputs,
        params=params,
        outputs=(Artifact(name, output, None),),
        shared=(),
        metrics=(),
        settings=(),
        random_state=None,
        saves_random_state=False,
        after=(),
        cells=(cell,),
        doc="",
    )


@pytest.fixture
def pipeline() -> Pipeline:
    """``load_data`` reads a file, ``train`` fits with a seed."""
    return Pipeline(
        name="demo",
        title="Demo",
        description="",
        notebook_path="../../notebooks/demo.ipynb",
        notebook_digest="0" * 64,
        stages=(
            _stage("load_data", {}, {"path": "load_data.read_csv.path"}, "rows", 4),
            _stage("train", {"rows": "load_data.rows"}, {"seed": "parameters.seed"}, "model", 6),
        ),
        parameters=(
            Parameter("train.ridge.alpha", 1e-5, "float", ParameterKind.HYPERPARAMETER, 6, 1),
            Parameter("load_data.read_csv.path", "data/a.csv", "str", ParameterKind.INPUT_PATH, 4, 2),
            Parameter("parameters.seed", 7, "int", ParameterKind.NOTEBOOK, 2, 1),
        ),
        contracts=(),
        thresholds=(Threshold("r2", "min", 0.5, 8, 1),),
        registration=None,
        distributions=(),
        data_root="../../notebooks",
    )
