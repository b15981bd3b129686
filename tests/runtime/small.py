"""A package of four stages that read files, use helpers, draw random numbers and write into the working directory."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "small/__init__.py": "",
    "small/stages/__init__.py": "",
    "small/stages/read.py": """\
import csv
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ReadOutputs:
    rows: list


def read(*, path: str) -> ReadOutputs:
    \"\"\"Rows of numbers.\"\"\"
    os.environ.get("SMALL_SCALE")
    with open(path, newline="") as file:
        rows = [[float(cell) for cell in row] for row in csv.reader(file)]
    Path("seen.txt").write_text(str(len(rows)))
    return ReadOutputs(rows=rows)
""",
    "small/stages/clean.py": """\
from dataclasses import dataclass

import beside
from small import helpers
from small.helpers import Scaler


@dataclass(frozen=True)
class CleanOutputs:
    rows: list
    scaler: Scaler


def clean(rows: list, *, least: float) -> CleanOutputs:
    kept = [row for row in rows if row[0] >= least]
    return CleanOutputs(rows=helpers.scaled(beside.doubled(kept)), scaler=Scaler(2.0))
""",
    "small/stages/fit.py": """\
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class FitOutputs:
    model: dict


def fit(rows: list, *, rate: float, seed: int) -> FitOutputs:
    random.seed(seed)
    return FitOutputs(model={"weight": rate * sum(map(sum, rows)), "draw": random.random()})
""",
    "small/stages/score.py": """\
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ScoreOutputs:
    metrics: dict


def score(model: dict, scaler: object) -> ScoreOutputs:
    count = int(Path("seen.txt").read_text())
    return ScoreOutputs(metrics={"value": scaler.apply(model["weight"]) + count + len(list(Path("more").iterdir()))})
""",
    "small/helpers.py": """\
FACTOR = 3


def factor():
    return FACTOR


def scaled(rows):
    return [[cell * factor() for cell in row] for row in rows]


class Scaler:
    def __init__(self, by):
        self.by = by

    def apply(self, value):
        return value * self.by


def unused():
    return 1
""",
    "beside.py": "def doubled(rows):\n    return [[2 * cell for cell in row] for row in rows]\n",
    "small/pipeline.py": """\
from nb2pipe.runtime import Pipeline, Stage
from small.stages.clean import clean
from small.stages.fit import fit
from small.stages.read import read
from small.stages.score import score

PIPELINE = Pipeline(
    name="small",
    stages=(
        Stage(read, kind="load_data", params={"path": "data.path"}, outputs=("rows",)),
        Stage(
            clean,
            kind="transform",
            inputs={"rows": "read.rows"},
            params={"least": "clean.least"},
            outputs=("rows", "scaler"),
        ),
        Stage(
            fit,
            kind="train",
            inputs={"rows": "clean.rows"},
            params={"rate": "fit.rate", "seed": "fit.seed"},
            outputs=("model",),
            saves_random_state=True,
        ),
        Stage(
            score,
            kind="evaluate",
            inputs={"model": "fit.model", "scaler": "clean.scaler"},
            outputs=("metrics",),
            metrics=("metrics",),
            after=("read",),
        ),
    ),
    data_files=("data.path",),
)
""",
    "config/base.yaml": """\
data:
  root: ../work
  path: numbers.csv
clean:
  least: 0.0
fit:
  rate: 0.5
  seed: 1
""",
}
DATA = {"numbers.csv": "1,2\n3,4\n-5,6\n", "other.csv": "1\n", "more/a.txt": "a"}


def write_small(folder: Path) -> Path:
    """Write the package and its data below ``folder``; gives the import package."""
    for part, files in (("package", FILES), ("work", DATA)):
        for name, text in files.items():
            path = folder / part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return folder / "package" / "small"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
