"""Small notebooks, planned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nb2pipe.analysis import analyse
from nb2pipe.notebook import read_notebook
from nb2pipe.pipeline import Pipeline, Planned, plan
from tests.notebooks import write_notebook

MakePipeline = Callable[[str], Pipeline]


def plan_of(percent: str, folder: Path) -> Planned:
    return plan(analyse(read_notebook(write_notebook(folder / "n.ipynb", percent))), "../n.ipynb")


@pytest.fixture
def pipeline_of(tmp_path: Path) -> MakePipeline:
    def make(percent: str) -> Pipeline:
        planned = plan_of(percent, tmp_path)
        assert planned.pipeline is not None, planned.findings
        return planned.pipeline

    return make
