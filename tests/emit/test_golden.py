"""Small notebooks and the code that they become, to the letter.

After a change that is meant: ``python -m tests.emit.test_golden``, then read the difference as a reviewer would.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import jupytext
import pytest

from nb2pipe.analysis import analyse
from nb2pipe.emit.package import package_files
from nb2pipe.notebook import read_notebook
from nb2pipe.pipeline import plan

OTHERS = ("__init__.py", "__main__.py", "contracts.py")
GOLDEN = Path(__file__).parent / "golden"
NOTEBOOKS = sorted(path.stem for path in GOLDEN.glob("*.py"))


def code_of(name: str, folder: Path) -> str:
    """The modules that hold the notebook's code, and the definition, as one text."""
    notebook = jupytext.read(GOLDEN / f"{name}.py", fmt="py:percent")
    jupytext.write(notebook, folder / f"{name}.ipynb")
    planned = plan(analyse(read_notebook(folder / f"{name}.ipynb")), f"../{name}.ipynb")
    assert planned.pipeline is not None, planned.errors
    files = package_files(planned.pipeline, {})
    shown = [path for path in sorted(files) if path.startswith(f"{name}/") and path.endswith(".py")]
    return "\n".join(f"# {path}\n{files[path]}" for path in shown if not path.endswith(OTHERS))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_code(name: str, tmp_path: Path) -> None:
    assert code_of(name, tmp_path) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    for notebook_name in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as folder_name:
            text = code_of(notebook_name, Path(folder_name))
        (GOLDEN / f"{notebook_name}.txt").write_text(text, encoding="utf-8")
