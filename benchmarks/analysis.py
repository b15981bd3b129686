"""How the time of an analysis grows with the notebook, and how it compares with parsing the same text.

python benchmarks/analysis.py                       # synthetic notebooks of 30, 300 and 3000 cells
python benchmarks/analysis.py FOLDER_OF_NOTEBOOKS   # and real ones, against libcst.parse_module
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import libcst
from synthetic import synthetic_notebook

from nb2pipe.analysis import analyse
from nb2pipe.convert import without_collecting
from nb2pipe.notebook import CellKind, Notebook, NotebookError, Role, read_notebook
from nb2pipe.notebook.magics import plain_python
from nb2pipe.notebook.parsing import parsed
from nb2pipe.pipeline import plan

SIZES = (30, 300, 3000)
REPEATS = 3
T = TypeVar("T")

#: Run in a process of its own: the peak memory of one check, in MiB.
PEAK = """
import resource, sys
from pathlib import Path
from nb2pipe.convert import check
check(Path(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024))
"""


@dataclass(frozen=True)
class Times:
    """Seconds for each phase of one analysis."""

    read: float
    analyse: float
    plan: float

    @property
    def total(self) -> float:
        """Seconds from the file to the plan."""
        return self.read + self.analyse + self.plan


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds of processor time that ``work`` takes, and what it gives."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def analysis_times(path: Path) -> Times:
    """One analysis of a notebook, phase by phase, as a fresh process would make it."""
    parsed.cache_clear()
    plain_python.cache_clear()
    gc.collect()
    with without_collecting():
        reading, notebook = timed(lambda: read_notebook(path))
        analysing, facts = timed(lambda: analyse(notebook))
        planning, _ = timed(lambda: plan(facts, path.name))
    return Times(reading, analysing, planning)


def best(path: Path, repeats: int = REPEATS) -> Times:
    """The quickest of several analyses: what the machine's other work adds is left out."""
    return min((analysis_times(path) for _ in range(repeats)), key=lambda times: times.total)


def peak_memory(path: Path) -> float:
    """MiB that checking a notebook takes, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def scaling(folder: Path) -> None:
    """Prints the table of synthetic notebooks."""
    print(f"{'cells':>6} {'read s':>8} {'analyse s':>10} {'plan s':>8} {'total s':>8} {'ratio':>6} {'peak MiB':>9}")
    before: Times | None = None
    for size in SIZES:
        path = folder / f"synthetic_{size}.ipynb"
        path.write_text(synthetic_notebook(size), encoding="utf-8")
        times = best(path)
        ratio = f"{times.total / before.total:6.1f}" if before else "      "
        print(
            f"{size:>6} {times.read:8.3f} {times.analyse:10.3f} {times.plan:8.3f} {times.total:8.3f} {ratio} "
            f"{peak_memory(path):9.0f}"
        )
        before = times


def readable(folder: Path) -> Iterator[tuple[Path, Notebook]]:
    """The notebooks below ``folder`` that nb2pipe can read."""
    for path in sorted(folder.rglob("*.ipynb")):
        try:
            yield path, read_notebook(path)
        except NotebookError:
            continue


def code_of(notebook: Notebook) -> str:
    """The notebook's code as one module, as the analysis sees it."""
    cells = [c for c in notebook.cells if c.kind is CellKind.CODE and c.role is not Role.SKIP]
    return "\n".join(cell.code for cell in cells) + "\n"


def against_parsing(folder: Path) -> None:
    """Prints how analysing real notebooks compares with ``libcst.parse_module`` on the same text, pair by pair."""
    parsing = working = whole = 0.0
    worst: list[tuple[float, Path]] = []
    count = lines = 0
    for path, notebook in readable(folder):
        text = code_of(notebook)
        try:
            parsed = min(timed(lambda text=text: libcst.parse_module(text))[0] for _ in range(REPEATS))  # type: ignore[misc]
        except libcst.ParserSyntaxError:
            continue
        times = best(path)
        parsing, working, whole = parsing + parsed, working + times.analyse + times.plan, whole + times.total
        worst.append((parsed / max(times.analyse + times.plan, 1e-9), path))
        count, lines = count + 1, lines + text.count("\n")
    if not count:
        print(f"no notebook below {folder} that can be read")
        return
    print(f"{count} notebooks, {lines} lines of code")
    print(f"libcst.parse_module     {parsing:8.3f} s")
    print(f"analyse and plan        {working:8.3f} s   speed relative to parsing: {parsing / working:5.2f}")
    print(f"with reading the file   {whole:8.3f} s   speed relative to parsing: {parsing / whole:5.2f}")
    print("slowest:", *(f"{speed:5.2f} {path.name}" for speed, path in sorted(worst)[:5]), sep="\n  ")


def main(arguments: list[str]) -> None:
    """Both tables; the second when a folder is given."""
    with tempfile.TemporaryDirectory() as folder:
        scaling(Path(folder))
    for folder_name in arguments:
        print()
        against_parsing(Path(folder_name))


if __name__ == "__main__":
    main(sys.argv[1:])
