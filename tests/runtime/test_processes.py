"""Whole commands in processes of their own: empty environments, interrupts, kills, MLflow and the report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nb2pipe.runtime.journal import load
from nb2pipe.runtime.processes import ending_of
from nb2pipe.runtime.record import Status
from tests.runtime.running import HANDMADE, REPOSITORY, command, copy_handmade

WAITING = """
    if behaviour == "wait":
        import subprocess
        child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        Path("pids.tmp").write_text(f"{os.getpid()} {child.pid}")
        Path("pids.tmp").rename("pids")
        signal.pause()
"""


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A run whose stage ``fit`` waits for ever, and the stage's process with its child."""
    package = copy_handmade(tmp_path)
    helpers = package / "handmade" / "helpers.py"
    helpers.write_text(helpers.read_text() + WAITING)
    process = subprocess.Popen(
        [sys.executable, "-m", "handmade", "run", "--run-id", "r", "--set", "fit.behaviour=wait"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{package}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    pids = tmp_path / "runs" / "r" / "workspace" / "pids"
    until(pids.exists, process)
    yield process, [int(pid) for pid in pids.read_text().split()]
    process.kill()
    process.communicate()


def until(condition: object, process: subprocess.Popen[str] | None = None, seconds: float = 60) -> None:
    """Poll: what is waited for happens in other processes."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end or (process is not None and process.poll() is not None):
            pytest.fail(f"did not happen: {process.communicate()[1] if process else condition}")
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_and_all_its_processes(
    waiting: tuple[subprocess.Popen[str], list[int]], tmp_path: Path, signum: signal.Signals
) -> None:
    process, pids = waiting
    process.send_signal(signum)
    _, errors = process.communicate(timeout=60)
    record = load(tmp_path / "runs" / "r")
    assert record is not None
    assert (process.returncode, record.status, record.message) == (1, Status.FAILED, f"stopped by {signum.name}")
    assert {stage.name: str(stage.status) for stage in record.stages} == {
        "load": "done",
        "split": "done",
        "fit": "failed",
        "aside": "not started",
        "judge": "not started",
        "report": "not started",
    }
    assert "Traceback" not in errors
    for pid in pids:
        until(lambda pid=pid: gone(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_kill_loses_nothing_that_was_done(waiting: tuple[subprocess.Popen[str], list[int]], tmp_path: Path) -> None:
    process, pids = waiting
    process.kill()
    process.communicate(timeout=60)
    until(lambda: gone(pids[0]))
    done = command("run", "--from", "fit", "--run-id", "r", cwd=tmp_path, package=tmp_path / "handmade")
    assert done.returncode == 0, done.stderr
    record = load(tmp_path / "runs" / "r")
    assert record is not None
    assert {str(stage.status) for stage in record.stages} == {"done"}
    assert not list((tmp_path / "runs" / ".nb2pipe" / "objects").rglob("*.tmp"))


def test_a_run_with_nothing_in_the_environment(tmp_path: Path) -> None:
    start = (
        f"import sys, runpy; sys.path[:0] = [{str(REPOSITORY)!r}, {str(HANDMADE)!r}]; "
        "sys.argv = ['handmade', 'run', '--run-id', 'r']; runpy.run_module('handmade', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", start], cwd=tmp_path, env={}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    record = load(tmp_path / "runs" / "r")
    assert record is not None
    assert record.mlflow_run_id
    assert (tmp_path / "runs" / "r" / "report.html").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"runs"}
    assert str(Path("runs") / "r" / "report.html") in done.stdout


def test_a_stage_sees_the_environment_of_the_run(tmp_path: Path) -> None:
    package = copy_handmade(tmp_path)
    helpers = package / "handmade" / "helpers.py"
    added = "\n    if behaviour == 'environment':\n        print(dict(os.environ), sys.path, sys.argv)\n"
    helpers.write_text(helpers.read_text() + added)
    environ = {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{package}", "MINE": "here"}
    words = ("run", "--run-id", "r", "--set", "fit.behaviour=environment")
    command(*words, cwd=tmp_path, package=package, environ=environ)
    printed = (tmp_path / "runs" / "r" / "logs" / "fit.log").read_text()
    assert "'MINE': 'here'" in printed
    assert f"'PYTHONPATH': '{environ['PYTHONPATH']}'" in printed
    assert "NB2PIPE" not in printed


def test_bad_input_shows_no_traceback(tmp_path: Path) -> None:
    done = command("run", "--set", "fit.steps=many", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "error: --set fit.steps: fit.steps: expected a whole number (int), got 'many'"
        " (Input should be a valid integer)\n"
    )


def test_mlflow_that_fails_fails_the_run(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{HANDMADE}", "MLFLOW_TRACKING_URI": "no://where"}
    done = command("run", "--run-id", "r", cwd=tmp_path, environ=environ)
    assert done.returncode == 1
    assert "MLflow tracking failed" in done.stderr
    assert "Traceback" not in done.stderr
    record = json.loads((tmp_path / "runs" / "r" / "run.json").read_text())
    assert {stage["status"] for stage in record["stages"]} == {"done"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-9, "was killed (SIGKILL); often the machine had no memory left"),
        (-11, "crashed in native code (SIGSEGV)"),
        (-15, "was ended by SIGTERM"),
        (3, "ended with exit code 3 before it was done (os._exit, or a crash)"),
    ],
)
def test_an_exit_code_in_words(code: int, words: str) -> None:
    assert ending_of(code) == words


def test_importing_the_runtime_is_cheap() -> None:
    heavy = ["mlflow", "torch", "pandas", "numpy", "pydantic", "ruamel", "matplotlib", "jinja2", "rich", "cloudpickle"]
    code = f"import sys, nb2pipe, nb2pipe.runtime; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_two_runs_at_once_share_a_store(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{HANDMADE}"}
    words = [sys.executable, "-m", "handmade", "run", "--run-id"]
    both = [subprocess.Popen([*words, name], cwd=tmp_path, env=environ, stderr=subprocess.PIPE) for name in "ab"]
    assert [(process.communicate(timeout=120)[1], process.returncode)[1] for process in both] == [0, 0]
