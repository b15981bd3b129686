"""Translations do what IPython itself does: each cell is run by both, and what they leave is compared."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nb2pipe.notebook.bound import bound_names
from nb2pipe.notebook.magics import plain_python

BEFORE = "import os\nn = 3\nname = 'a b'\nwords = ['x', 'y']\nfolder = 'made'\n"
CELLS = [
    "x = !echo one; echo two >&2",
    "x = !printf 'a\\n\\n\\n'",
    "x = !printf 'a\\r\\nb\\x0cc'",
    "x = !echo {n} $n $$n {name!r} {{n}} '$n'",
    "x = !echo {n:d} $HOME",
    "x = !echo $HOME {n}",
    "x = !echo ${n} {words[1:]}",
    "x = !echo {' '.join(sorted(words))} {n, 1}",
    "x = !echo $missing $n",
    "x = !echo 'a}' | tr a b",
    "x = %sx echo $n",
    "x = %system echo {n}",
    "x = !exit 3",
    "x = !cat",
    "x = [len(line) for line in get_ipython().getoutput('echo {n}{n}')]",
    "!echo $n >> out.txt\nx = open('out.txt').read()",
    "!echo a \\\n  b > out.txt\nx = open('out.txt').read()",
    "if n:\n    !echo {n} > out.txt\nx = open('out.txt').read()",
    "for w in words:\n    !echo $w >> out.txt\nx = open('out.txt').read()",
    "def f(n):\n    lines = !echo {n} {name}\n    return lines[0]\nx = f(7)",
    "!false\nx = 1",
    "%mkdir -p {folder}/$n\n%cd -q made\nx = sorted(os.listdir())",
    "%mkdir here\n%cd here\n%cd ..\nx = os.path.exists('here')",
    "%env NB_MAGIC=a=b\nx = os.environ['NB_MAGIC']",
    "x = %pwd\nx = os.path.samefile(x, '.')",
    "%time x = n + 1",
    "x = %time n + 1",
    "%%time\nx = 1\ny = x",
    "%%capture\nx = 1",
    "%%bash --out x\nprintf 'a\\tb\\n'; echo $HOME {n} $n",
    "%%bash --err x\necho oh >&2; echo no",
    "%%sh\necho a > out.txt",
    "%%script bash --out x\necho $0",
    '%%writefile -a out.txt\n"""quoted""" \\n {n} $n\n\nü',
    "%%writefile made.txt\n\nx = 1\n",
    "get_ipython().run_line_magic('cd', '-q .')\nx = get_ipython().run_line_magic('pwd', '') == os.getcwd()",
    "get_ipython().run_cell_magic('time', '', 'x = 1\\ny = 2\\n')",
    "get_ipython().run_cell_magic('writefile', 'out.txt', 'a\\nb\\n')",
    "x = get_ipython() is None, '__file__' in globals(), __name__, 'get_ipython' in globals()",
    "try:\n    x = os.path.dirname(__file__)\nexcept NameError:\n    x = 'none'",
    "if __name__ == '__main__':\n    x = 1",
    "x = 5\nx?\n?len",
]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("NB_MAGIC", "before")
    here = Path.cwd()
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    yield made
    InteractiveShell.clear_instance()
    os.chdir(here)


def _left(namespace: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Plain values, files and the working directory after a cell."""
    plain = {
        name: list(value) if isinstance(value, list) else value
        for name, value in namespace.items()
        if isinstance(value, (int, str, list, tuple))
        and not name.startswith("_")
        and name not in ("In", "exit", "quit")
    }
    files = {str(p.relative_to(folder)): p.read_text() if p.is_file() else None for p in sorted(folder.rglob("*"))}
    return {**plain, "files": files, "folder": os.path.relpath(Path.cwd(), folder)}


@pytest.mark.parametrize("cell", CELLS)
def test_as_in_ipython(cell: str, shell: InteractiveShell, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    os.chdir(one)
    shell.run_cell(BEFORE).raise_error()
    shell.run_cell(cell).raise_error()
    expected = _left(dict(shell.user_ns), one)

    plain = plain_python(cell, bound_names([BEFORE, cell]))
    assert not plain.refused
    os.chdir(other)
    namespace: dict[str, Any] = {module: importlib.import_module(module) for module in plain.imports}
    exec(BEFORE, namespace)
    exec(plain.code, namespace)
    assert _left(namespace, other) == expected


def test_a_failing_script_raises_in_both(shell: InteractiveShell, tmp_path: Path) -> None:
    os.chdir(tmp_path)
    assert not shell.run_cell("%%bash\nexit 3").success
    plain = plain_python("%%bash\nexit 3")
    with pytest.raises(Exception, match="returned non-zero exit status 3"):
        exec(plain.code, {module: importlib.import_module(module) for module in plain.imports})
