"""Modules beside a notebook: those that it needs are read along with it."""

from __future__ import annotations

from pathlib import Path

from nb2pipe.analysis import analyse
from nb2pipe.notebook import Notebook, read_notebook
from tests.notebooks import write_notebook


def notebook_with(folder: Path, code: str, **files: str) -> Notebook:
    for name, text in files.items():
        path = folder / f"{name.replace('__in__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return read_notebook(write_notebook(folder / "n.ipynb", f'# %% tags=["stage:load_data"]\n{code}\n'))


def test_modules_that_are_imported_come_along_with_what_they_import(tmp_path: Path) -> None:
    found = notebook_with(tmp_path, "import one", one="from two import f", two="f = len", three="")
    assert dict(found.modules) == {"one.py": "from two import f", "two.py": "f = len"}


def test_packages_come_along_whole(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    found = notebook_with(tmp_path, "from pack.part import f", pack__in__part="f = len")
    assert set(found.modules) == {"pack/__init__.py", "pack/part.py"}


def test_a_module_that_changes_itself_is_a_variable(tmp_path: Path) -> None:
    facts = analyse(notebook_with(tmp_path, "import one", one="SEEN = []\ndef see(x):\n    SEEN.append(x)\n"))
    assert facts.changing_modules == {"one"}
    assert "one" not in facts.imports


def test_a_module_that_the_notebook_changes_is_a_variable(tmp_path: Path) -> None:
    facts = analyse(notebook_with(tmp_path, "import one\none.SEEN.append(1)", one="SEEN = []\n"))
    assert facts.changing_modules == {"one"}


def test_a_module_of_functions_and_constants_is_an_import(tmp_path: Path) -> None:
    facts = analyse(notebook_with(tmp_path, "from one import f", one="LIMIT = 3\ndef f(x):\n    return x[:LIMIT]\n"))
    assert not facts.changing_modules
    assert "f" in facts.imports


def test_names_of_a_module_that_changes_are_refused(tmp_path: Path) -> None:
    text = "SEEN = []\ndef see(x):\n    SEEN.append(x)\n"
    (finding,) = analyse(notebook_with(tmp_path, "from one import see", one=text)).findings
    assert (finding.code, finding.line) == ("NB106", 1)


def test_a_module_that_is_no_python_is_refused(tmp_path: Path) -> None:
    (finding,) = analyse(notebook_with(tmp_path, "import one", one="def (")).findings
    assert finding.code == "NB106"
