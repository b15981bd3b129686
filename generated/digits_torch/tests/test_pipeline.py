"""Neighbours work together: the whole pipeline, on the real data, in processes of its own."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from digits_torch.pipeline import PIPELINE

ROOT = Path(__file__).resolve().parent.parent


def missing_files():
    config = YAML(typ="safe", pure=True).load(ROOT / "config" / "base.yaml")
    data = ROOT / config["data"]["root"]
    for key in PIPELINE.data_files:
        path = config
        for part in key.split("."):
            path = path[part]
        if "://" not in path and not (data / path).exists():
            yield data / path


def test_every_stage_hands_on_what_the_next_one_needs(tmp_path):
    missing = list(missing_files())
    if missing:
        pytest.skip(f"the data is not here: {missing[0]}")
    # The values of base.yaml, and nothing is registered on anyone's server.
    others = ("APP_ENV", "MLFLOW_", "DIGITS_TORCH__")
    environment = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(others)
    }
    environment["PYTHONPATH"] = str(ROOT)
    command = [
        sys.executable,
        "-m",
        "digits_torch",
        "run",
        "--output",
        str(tmp_path),
        "--run-id",
        "test",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "test" / "run.json").read_text(encoding="utf-8"))
    assert [(s["name"], s["status"]) for s in record["stages"]] == [
        (s.name, "done") for s in PIPELINE.stages
    ]
    assert all(math.isfinite(number) for number in record["metrics"].values())
