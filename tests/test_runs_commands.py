"""What people ask of runs after they have run: list, show, diff, report, artifacts, store, debug, why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.small import edit, write_small

ROOT = Path(__file__).resolve().parents[1]


def nb2pipe(folder: Path, *words: str, stdin: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    """The command as a person types it."""
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder / 'package'}"}
    environ.pop("APP_ENV", None)
    done = subprocess.run(
        [sys.executable, "-m", "nb2pipe", *words],
        cwd=folder,
        env=environ,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three runs: ``first``, ``second`` with another rate, and ``third``, which fails in ``fit``."""
    folder = tmp_path_factory.mktemp("runs")
    write_small(folder)
    nb2pipe(folder, "run", "package/small", "--run-id", "first")
    nb2pipe(folder, "run", "package/small", "--run-id", "second", "--set", "fit.rate=2.0")
    edit(folder / "package" / "small" / "stages" / "fit.py", "random.seed(seed)", "random.seed(seed / 0)")
    nb2pipe(folder, "run", "package/small", "--run-id", "third", code=1)
    edit(folder / "package" / "small" / "stages" / "fit.py", "random.seed(seed / 0)", "random.seed(seed)")
    return folder


def as_json(folder: Path, *words: str) -> Any:
    return json.loads(nb2pipe(folder, *words, "--json").stdout)


def test_list_shows_the_newest_first(folder: Path) -> None:
    lines = nb2pipe(folder, "runs").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["run", "third", "second", "first"]
    assert "4 of 4 (2 cached)" in lines[2]
    assert [run["run_id"] for run in as_json(folder, "runs", "list")] == ["third", "second", "first"]


@pytest.mark.parametrize("name", ["second", "sec", "@2"])
def test_a_run_has_several_names(folder: Path, name: str) -> None:
    assert as_json(folder, "runs", "show", name)["run_id"] == "second"


def test_show_says_why_a_stage_ran(folder: Path) -> None:
    shown = nb2pipe(folder, "runs", "show", "second").stdout
    assert "parameter rate changed from 0.5 to 2.0" in shown
    assert "nothing that it depends on has changed since run first" in shown


def test_diff_says_what_differs(folder: Path) -> None:
    found = as_json(folder, "runs", "diff", "first", "second")["differences"]
    assert found["config"] == {"fit.rate": [0.5, 2.0]}
    assert set(found) == {"config", "artifacts", "metrics"}
    assert "do not differ" in nb2pipe(folder, "runs", "diff", "first", "first").stdout


def test_the_report_is_written_again(folder: Path) -> None:
    report = folder / "runs" / "first" / "report.html"
    report.unlink()
    assert nb2pipe(folder, "runs", "report", "first").stdout.strip() == str(Path("runs") / "first" / "report.html")
    assert "<html" in report.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("runs", "show", "nowhere"), "holds no run nowhere"),
        (("runs", "show", "@9"), "holds 3 runs, so there is no @9"),
        (("runs", "list", "--output", "nothing"), "is no folder"),
        (("artifacts", "show", "first", "fit.nothing"), "it has: read.rows, clean.rows, clean.scaler, fit.model"),
        (("debug", "first", "nothing"), "has no stage 'nothing'; its stages: read, clean, fit, score"),
        (("run", "package/small", "--why", "nothing"), "has no stage 'nothing'"),
    ],
)
def test_what_is_not_there_is_said(folder: Path, words: tuple[str, ...], message: str) -> None:
    done = nb2pipe(folder, *words, code=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_run_is_listed_as_damaged(folder: Path) -> None:
    path = folder / "runs" / "broken" / "run.json"
    path.parent.mkdir()
    path.write_text("{")
    assert "damaged" in nb2pipe(folder, "runs", "list").stdout
    assert "damaged" in nb2pipe(folder, "runs", "show", "broken", code=2).stderr
    path.write_text('{"schema_version": 99}')
    assert "was written by a newer version of nb2pipe" in nb2pipe(folder, "runs", "show", "broken", code=2).stderr
    path.unlink()


def test_an_artifact_is_shown(folder: Path) -> None:
    shown = nb2pipe(folder, "artifacts", "show", "first", "read.rows").stdout
    assert "list of 3" in shown
    assert "[[1.0, 2.0], [3.0, 4.0], [-5.0, 6.0]]" in shown
    names = [line.split()[0] for line in nb2pipe(folder, "artifacts", "list", "first").stdout.splitlines()]
    assert names == ["artifact", "read.rows", "clean.rows", "clean.scaler", "fit.model", "score.metrics"]


def test_why(folder: Path) -> None:
    words = ("run", "package/small", "--set", "fit.rate=2.0", "--why", "fit")
    said = nb2pipe(folder, *words).stderr.splitlines()[-1]
    assert said.startswith("fit (was not run again): nothing that it depends on has changed since run second")


def test_debug_opens_where_the_stage_failed(folder: Path, tmp_path: Path) -> None:
    code = folder / "package" / "small" / "stages" / "fit.py"
    edit(code, "random.seed(seed)", "random.seed(seed / 0)")
    done = nb2pipe(folder, "debug", "third", "fit", stdin="p rate, len(rows)\nq\n")
    edit(code, "random.seed(seed / 0)", "random.seed(seed)")
    assert "ZeroDivisionError" in done.stderr
    assert "(0.5, 2)" in done.stdout


def test_debug_of_a_stage_that_works(folder: Path) -> None:
    done = nb2pipe(folder, "debug", "first", "fit", stdin="print(result.model['weight'], seed)\n")
    assert "30.0 1" in done.stdout
    assert "stage fit raised nothing; look at rows, rate, seed, result" in done.stderr


def test_the_store_is_looked_after(folder: Path) -> None:
    objects = folder / "runs" / ".nb2pipe" / "objects"
    assert as_json(folder, "store", "du")["unused"] == 0
    assert "all objects are what was stored" in nb2pipe(folder, "store", "verify").stdout
    loose = objects / "00" / ("0" * 64)
    loose.parent.mkdir(exist_ok=True)
    loose.write_text("left behind")
    assert "its digest is wrong" in nb2pipe(folder, "store", "verify", code=1).stdout
    assert as_json(folder, "store", "gc")["objects"] == 0  # it is young: a run may be about to refer to it
    assert as_json(folder, "store", "gc", "--all", "--dry-run")["objects"] == 1
    nb2pipe(folder, "store", "gc", "--all")
    assert not loose.exists()
    assert as_json(folder, "artifacts", "show", "first", "read.rows")["format"] == "graph"
    nb2pipe(folder, "artifacts", "show", "first", "read.rows")


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    write_small(tmp_path)
    (tmp_path / "runs" / ".nb2pipe").mkdir(parents=True)
    (tmp_path / "runs" / ".nb2pipe" / "store.json").write_text('{"version": 2}')
    done = nb2pipe(tmp_path, "run", "package/small", code=2)
    assert "was written by a newer version of nb2pipe (store version 2" in done.stderr
