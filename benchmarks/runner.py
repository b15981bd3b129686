"""The local runner against one plain script of the same work: cold, again, with one hyperparameter changed, in chains.

    python benchmarks/runner.py [--rows 51000] [--repeat 3] [--work DIR] [--chains 6,50,200,1000]

51,000 rows make a CSV of 5 MB, 2,050,000 rows one of 212 MB. The plain script is the notebook itself, run from top to
bottom in one process. It runs before each run of the pipeline, and ratios are taken pair by pair.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

WORKLOAD = Path(__file__).parent / "runner_workload" / "fraud_scores.py"
RATE = "parameters.learning_rate=0.05"
TARGETS = {"cold": (1.15, 1.25), "again": (0.10, 0.10), "changed": (0.60, 0.30)}


@dataclass(frozen=True)
class Cost:
    """What a command cost: seconds, CPU seconds, and the peak memory of its largest process in bytes."""

    wall: float
    cpu: float
    peak: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=51_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--chains", default="6,50,200,1000", help="numbers of stages; empty for none")
    parser.add_argument("--tracking", action="store_true", help="log runs to MLflow, which the plain script does not")
    parser.add_argument("--work", type=Path, help="folder for data and results; a temporary one otherwise")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="runner-benchmark-"))
    os.environ["OMP_NUM_THREADS"] = "1"
    data = write_payments(work / "data", options.rows)
    package = converted(work)
    words = [] if options.tracking else ["--no-tracking"]
    measure_workload(work, data, package, words, options.repeat, large=options.rows > 500_000)
    if options.chains:
        measure_chains(work, words, [int(number) for number in options.chains.split(",")])


def write_payments(folder: Path, rows: int) -> Path:
    """A CSV of payments; the same rows give the same bytes."""
    import numpy as np
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "payments.csv"
    random = np.random.default_rng(5)
    numbers = random.normal(size=(rows, 6)).round(5)
    segment = random.integers(0, 20, rows)
    amount = np.exp(random.normal(3, 1, rows)).round(2)
    odds = numbers[:, 0] - numbers[:, 1] * numbers[:, 2] + 0.3 * np.log(amount) + (segment % 3 - 1) * 0.8 - 1
    moments = pd.Timestamp("2025-01-01") + pd.to_timedelta(random.integers(0, 365 * 86400, rows), unit="s")
    table = pd.DataFrame({"id": np.arange(rows), **{f"f{i}": numbers[:, i] for i in range(6)}})
    table["ts"] = moments.strftime("%Y-%m-%d %H:%M:%S")
    table["segment"] = [f"segment_{number:02d}" for number in segment]
    table["merchant"] = [f"M{number:05d}" for number in random.integers(0, 5000, rows)]
    table["amount"] = amount
    table["label"] = (random.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    table.to_csv(path, index=False)
    return folder


def converted(work: Path) -> Path:
    """The workload as a package."""
    shutil.rmtree(work / "generated", ignore_errors=True)
    command = [sys.executable, "-m", "nb2pipe", "convert", str(WORKLOAD), "--output", str(work / "generated")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return work / "generated" / WORKLOAD.stem


def measure_workload(work: Path, data: Path, package: Path, always: list[str], repeat: int, *, large: bool) -> None:
    """Pairs of the plain script and a run: cold, the same again, with another learning rate."""
    runs = work / "runs"
    command = [sys.executable, "-m", "nb2pipe", "run", str(package), "--data", str(data), "--output", str(runs)]
    command += always
    found: dict[str, list[tuple[Cost, Cost]]] = {"cold": [], "again": [], "changed": []}
    for _ in range(repeat):
        plain = cost([sys.executable, str(WORKLOAD)], data)
        shutil.rmtree(runs, ignore_errors=True)
        for scenario, words in (("cold", []), ("again", []), ("changed", ["--set", RATE])):
            found[scenario].append((plain, cost([*command, *words], work)))
            print(f"  {scenario:<8} {last_stages(runs)}", file=sys.stderr)
    for scenario, pairs in found.items():
        ratios = [mine.wall / plain.wall for plain, mine in pairs]
        cpu = statistics.median(mine.cpu for _, mine in pairs)
        peak = statistics.median(mine.peak / plain.peak for plain, mine in pairs)
        print(
            f"{scenario:<8} {statistics.median(ratios):.2f} of the plain script's time "
            f"({min(ratios):.2f} to {max(ratios):.2f}; aim {TARGETS[scenario][large]:.2f}), "
            f"{cpu:.2f} s of CPU, {peak:.2f} of its peak memory"
        )
    plain_seconds = statistics.median(plain.wall for plain, _ in found["cold"])
    print(f"plain    {plain_seconds:.2f} s; bytes written per byte that crosses: {written(runs):.2f} (aim 1.5)")


def last_stages(runs: Path) -> str:
    """Which stages the latest run ran."""
    record = json.loads(max(runs.glob("*/run.json"), key=lambda path: path.stat().st_mtime).read_text())
    ran = [stage["name"] for stage in record["stages"] if stage["cached_from"] is None]
    return f"{record['status']}, ran: {', '.join(ran) or 'nothing'}"


def written(runs: Path) -> float:
    """Bytes in the store per byte of the artifacts that stages handed on, each counted as often as it was handed on."""
    stored = sum(path.stat().st_size for path in (runs / ".nb2pipe" / "objects").rglob("*") if path.is_file())
    crossing: dict[str, int] = {}
    for path in runs.glob("*/run.json"):
        for stage in json.loads(path.read_text())["stages"]:
            crossing.update({output["digest"]: output["size"] for output in stage["outputs"]})
    return stored / max(1, sum(crossing.values()))


def measure_chains(work: Path, always: list[str], numbers: list[int]) -> None:
    """Runs of stages that only add one: what a stage costs by itself."""
    seconds = []
    for number in numbers:
        package = chain(work / "chains", number)
        runs = work / "chains" / f"runs{number}"
        shutil.rmtree(runs, ignore_errors=True)
        command = [sys.executable, "-m", "nb2pipe", "run", str(package), "--output", str(runs), *always]
        seconds.append(cost(command, work).wall)
        print(f"chain    {number} stages: {seconds[-1]:.2f} s")
    if len(numbers) > 1:
        slope, _ = statistics.linear_regression(numbers, seconds)
        print(f"chain    {1000 * slope:.2f} ms for each further stage (aim 4)")


def chain(folder: Path, number: int) -> Path:
    """A package of ``number`` stages, each adding one to what the one before it made."""
    package = folder / f"chain{number}"
    files = {f"chain{number}/__init__.py": "", "config/base.yaml": "start: 0\n"}
    functions = ["from types import SimpleNamespace\n", "def s0(*, start: int):\n    return SimpleNamespace(x=start)\n"]
    functions += [f"def s{i}(x):\n    return SimpleNamespace(x=x + 1)\n" for i in range(1, number)]
    stages = ['Stage(stages.s0, kind="custom", params={"start": "start"}, outputs=("x",))']
    stages += [
        f'Stage(stages.s{i}, kind="custom", inputs={{"x": "s{i - 1}.x"}}, outputs=("x",))' for i in range(1, number)
    ]
    files[f"chain{number}/stages.py"] = "\n\n".join(functions)
    files[f"chain{number}/pipeline.py"] = (
        f"from chain{number} import stages\nfrom nb2pipe.runtime import Pipeline, Stage\n"
        f'PIPELINE = Pipeline(name="chain{number}", stages=({", ".join(stages)},))\n'
    )
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


def cost(command: list[str], folder: Path) -> Cost:
    """Run a command and wait for it and all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = [0]
    watcher = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
    watcher.start()
    _, errors = process.communicate()
    wall = time.monotonic() - begun
    watcher.join()
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with exit code {process.returncode}:\n{errors}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, peak[0])


def _watch(pid: int, peak: list[int]) -> None:
    """Note the peak memory of the largest process of a tree as long as it runs."""
    while True:
        tree = _tree(pid)
        if not tree:
            return
        for each in tree:
            peak[0] = max(peak[0], _peak_of(each))
        time.sleep(0.03)


def _tree(pid: int) -> list[int]:
    found, open_ = [], [pid]
    while open_:
        each = open_.pop()
        try:
            children = Path(f"/proc/{each}/task/{each}/children").read_text().split()
        except OSError:
            continue
        found.append(each)
        open_.extend(map(int, children))
    return found


def _peak_of(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


if __name__ == "__main__":
    main()
