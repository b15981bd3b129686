"""From the package's lines to the notebook's cells."""

from __future__ import annotations

import json
import linecache
from pathlib import Path

import pytest

from nb2pipe.runtime.package import Package
from nb2pipe.runtime.trace import failure_of, place_of, read_provenance

EMITTED = "import os\n\n\ndef fit():\n    a = 1\n    b = 2\n    return a / 0\n"
LINES = [[5, 3, 1], [6, 3, 2], [7, 5, 1]]


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """A package of one file, with its lock."""
    folder = tmp_path / "demo"
    (folder / "stages").mkdir(parents=True)
    (folder / "stages" / "fit.py").write_text(EMITTED)
    lock = {
        "tool": "nb2pipe",
        "notebook": {"path": "x.ipynb", "digest": "sha256:abc"},
        "files": {"demo/stages/fit.py": {"digest": "0", "text": EMITTED, "lines": LINES}},
    }
    (tmp_path / "notebook.lock").write_text(json.dumps(lock))
    return Package("demo", folder, tmp_path, tmp_path / "config", tmp_path / "notebook.lock")


def cell_of(package: Package, line: int) -> tuple[int | None, int | None]:
    file = package.module_folder / "stages" / "fit.py"
    linecache.checkcache()
    place = place_of(package, read_provenance(package), file, line)
    assert place is not None
    return place.cell, place.cell_line


def test_a_line_has_its_cell(package: Package) -> None:
    assert [cell_of(package, line) for line in (1, 5, 6, 7)] == [(None, None), (3, 1), (3, 2), (5, 1)]


def test_lines_above_were_added(package: Package) -> None:
    (package.module_folder / "stages" / "fit.py").write_text("# mine\n# mine too\n" + EMITTED)
    assert [cell_of(package, line) for line in (1, 7, 9)] == [(None, None), (3, 1), (5, 1)]


def test_a_line_was_added_between(package: Package) -> None:
    (package.module_folder / "stages" / "fit.py").write_text(EMITTED.replace("    b = 2\n", "    b = 2\n    c = 3\n"))
    assert [cell_of(package, line) for line in (6, 7, 8)] == [(3, 2), (None, None), (5, 1)]


def test_a_line_was_changed(package: Package) -> None:
    (package.module_folder / "stages" / "fit.py").write_text(EMITTED.replace("b = 2", "b = 22"))
    assert cell_of(package, 6) == (3, 2)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": {"a": 1}}', '{"notebook": 3}'])
def test_a_damaged_lock_costs_the_cells_only(package: Package, text: str) -> None:
    package.lock.write_text(text)
    assert cell_of(package, 5) == (None, None)


def test_the_notebooks_digest(package: Package) -> None:
    assert read_provenance(package).notebook_digest == "abc"


def test_only_the_packages_frames_are_in_the_trace(package: Package) -> None:
    file = package.module_folder / "stages" / "fit.py"
    namespace: dict[str, object] = {}
    exec(compile(EMITTED, str(file), "exec"), namespace)
    try:
        namespace["fit"]()  # type: ignore[operator]
    except ZeroDivisionError as error:
        failure = failure_of(error, package, read_provenance(package))
    assert (failure.type, failure.message) == ("ZeroDivisionError", "division by zero")
    assert [(place.file, place.line, place.code, place.cell, place.cell_line) for place in failure.trace] == [
        ("demo/stages/fit.py", 7, "return a / 0", 5, 1)
    ]
    assert "test_trace.py" in failure.traceback
