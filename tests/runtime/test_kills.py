"""Runs that are killed at any instant: the same command finishes them, with the same results, in a sound store."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nb2pipe.runtime.journal import load
from nb2pipe.runtime.record import Status
from nb2pipe.runtime.store import Store
from nb2pipe.runtime.store_care import collect, usage, verify
from tests.runtime.small import write_small

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("NB2PIPE_TEST_KILLS", "12"))

#: The command without MLflow, whose import takes longer than all stages.
RUN = """
import sys
from pathlib import Path
from nb2pipe.runtime import RunOptions, runner
from nb2pipe.runtime.progress import LineReporter
from tests.runtime.running import NoTracking
{patch}
runner.Tracking = NoTracking
options = RunOptions(output=Path("runs"), run_id=sys.argv[1])
sys.exit(runner.guarded(lambda: runner.execute_package(Path("package/small"), options, LineReporter())))
"""

#: Kills the process before or after its n-th fsync, rename or write of a file that is to last.
PATCH = """
import os, pathlib, signal
left = [{count}]
def counted(function):
    def called(*arguments, **options):
        left[0] -= 1
        if left[0] == 0 and {before}:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **options)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return called
os.fsync = counted(os.fsync)
pathlib.Path.replace = counted(pathlib.Path.replace)
pathlib.Path.hardlink_to = counted(pathlib.Path.hardlink_to)
"""


def start(folder: Path, run_id: str, patch: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN.format(patch=patch), run_id],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def results(folder: Path, run_id: str) -> dict[str, object]:
    record = load(folder / "runs" / run_id)
    assert record is not None
    assert record.status == Status.DONE, record.message
    outputs = {output.name: output.digest for stage in record.stages for output in stage.outputs}
    written = (folder / "runs" / run_id / "workspace" / "seen.txt").read_text()
    return {"outputs": outputs, "metrics": record.metrics, "seen": written}


def finished(folder: Path, run_id: str) -> None:
    again = start(folder, run_id)
    _, errors = again.communicate(timeout=120)
    assert again.returncode in (0, 2), errors
    assert again.returncode == 0 or "exists already" in errors, errors


def check_store(folder: Path) -> None:
    store = Store(folder / "runs" / ".nb2pipe")
    assert verify(store) == []
    collect(store, folder / "runs", 30, everything=True)
    assert usage(store, folder / "runs").temporary == 0


@pytest.fixture
def undisturbed(tmp_path: Path) -> dict[str, object]:
    """What a run gives that nobody kills."""
    folder = tmp_path / "undisturbed"
    write_small(folder)
    finished(folder, "r")
    return results(folder, "r")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_kills_at_random_instants(tmp_path: Path, undisturbed: dict[str, object]) -> None:
    folder = tmp_path / "killed"
    write_small(folder)
    instants = random.Random(4)
    for number in range(KILLS):
        two = [start(folder, f"a{number}"), start(folder, f"b{number}")]  # they share the store
        time.sleep(instants.uniform(0.1, 0.9))
        for process in two:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        for name in ("a", "b"):
            finished(folder, f"{name}{number}")
            assert results(folder, f"{name}{number}") == undisturbed
    check_store(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 12, 17, 25])
@pytest.mark.parametrize("before", [True, False])
def test_kills_at_every_kind_of_write(tmp_path: Path, undisturbed: dict[str, object], count: int, before: bool) -> None:
    folder = tmp_path / "killed"
    write_small(folder)
    process = start(folder, "r", PATCH.format(count=count, before=before))
    _, errors = process.communicate(timeout=120)
    assert process.returncode in (0, -signal.SIGKILL), errors
    finished(folder, "r")
    assert results(folder, "r") == undisturbed
    check_store(folder)


def test_a_run_that_is_going_on_is_not_started_twice(tmp_path: Path) -> None:
    write_small(tmp_path)
    score = tmp_path / "package" / "small" / "stages" / "score.py"
    score.write_text(score.read_text().replace("    count =", "    import time; time.sleep(3)\n    count ="))
    first = start(tmp_path, "r")
    record = tmp_path / "runs" / "r" / "run.json"
    while not record.exists():
        assert first.poll() is None
        time.sleep(0.02)
    second = start(tmp_path, "r")
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 2
    assert "is going on in another process" in errors
    first.communicate(timeout=60)
    assert json.loads(record.read_text())["status"] == "done"
