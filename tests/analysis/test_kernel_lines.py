"""What magics leave behind for later cells: kept, or refused at the line that asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nb2pipe.analysis import analyse
from nb2pipe.notebook import read_notebook
from tests.notebooks import write_notebook

START = '# %% tags=["stage:load_data"]\n'
STATE = "%%writefile lib.py\nSEEN = []\ndef see(x):\n    SEEN.append(x)\n"

REFUSED = [
    ("%cd ..", ("NB207", 1, 1)),
    ("%cd data\n%cd ../..", ("NB207", 1, 2)),
    ("%cd data\n# %%\nimport os\nos.chdir('..')\n%cd ..", ("NB207", 2, 3)),
    ("files = !ls\n# %%\nx = 1\nfiles.n", ("NB101", 2, 2)),
    ("files = !ls\n# %%\ndef f():\n    return files.grep('a')", ("NB101", 2, 2)),
    ("%%writefile lib.py\nA = 1\n# %%\nimport lib\n# %%\n%%writefile lib.py\nA = 2", ("NB101", 3, 1)),
    (f"{STATE}# %%\nfrom lib import see\nsee(1)", ("NB101", 1, 1)),
    ("%%writefile lib.py\ndef (\n# %%\nfrom lib import see", ("NB101", 1, 1)),
]

KEPT = [
    "%cd data\n%cd ..",
    "%cd data/a\n# %%\n%cd ..\n%cd b",
    "files = !ls\nn = len(files)\n# %%\nfiles.append(n)",
    "class P:\n    n = 1\np = P()\nfiles = !ls\n# %%\nq = p.n",
    "%%writefile lib.py\nA = 1\n# %%\n%%writefile -a lib.py\nB = 2\n# %%\nfrom lib import A, B",
    "%%writefile pkg/lib.py\nA = 1\n# %%\nfrom pkg.lib import A",
    f"{STATE}# %%\nimport lib\nlib.see(1)",
]


def _findings(tmp_path: Path, text: str) -> list[tuple[str, int, int]]:
    notebook = read_notebook(write_notebook(tmp_path / "lines.ipynb", START + text))
    return [(found.code, found.cell, found.line) for found in analyse(notebook).findings]


@pytest.mark.parametrize(("text", "finding"), REFUSED)
def test_refused_where_it_is_asked_for(tmp_path: Path, text: str, finding: tuple[str, int, int]) -> None:
    assert finding in _findings(tmp_path, text)


@pytest.mark.parametrize("text", KEPT)
def test_kept(tmp_path: Path, text: str) -> None:
    assert _findings(tmp_path, text) == []


def test_a_written_package_is_imported_where_the_notebook_imports_it(tmp_path: Path) -> None:
    path = write_notebook(
        tmp_path / "lines.ipynb", START + "%%writefile pkg/lib.py\nA = 1\n# %%\nfrom pkg.lib import A"
    )
    assert "A" not in analyse(read_notebook(path)).imports


def test_a_module_beside_the_notebook_gives_way_to_the_one_that_a_cell_writes(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text("A = 1\n", encoding="utf-8")
    path = write_notebook(tmp_path / "lines.ipynb", START + "%%writefile lib.py\nA = 2\n# %%\nfrom lib import A")
    notebook = read_notebook(path)
    assert (notebook.modules, analyse(notebook).findings) == ({}, ())


@pytest.mark.parametrize("magic", ["%%writefile -a lib.py", "%%writefile pkg/lib.py"])
def test_a_module_beside_the_notebook_is_not_written_in_part(tmp_path: Path, magic: str) -> None:
    (tmp_path / "pkg").mkdir()
    for name in ("lib.py", "pkg/__init__.py"):
        (tmp_path / name).write_text("A = 1\n", encoding="utf-8")
    assert ("NB101", 1, 1) in _findings(tmp_path, f"{magic}\nB = 2")
