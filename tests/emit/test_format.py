"""ruff sees the package and nothing else, and what comes out passes the package's own rules."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest
from ruff import find_ruff_bin

from nb2pipe.emit.format import FormatError, format_package, violations

PYPROJECT = '[tool.ruff]\nline-length = 100\n\n[tool.ruff.lint]\nselect = ["E4", "E7", "E9", "F", "I"]\n'
UNTIDY = "import sys\nimport os, re\nl  =  re.compile('')\nprint(os)\n"
TIDY = 'import os\nimport re\n\nl = re.compile("")\nprint(os)\n'


def package(text: str, path: str = "demo/stages/train.py") -> dict[str, str]:
    return {path: text, "pyproject.toml": PYPROJECT}


def ignores(files: dict[str, str]) -> object:
    return tomllib.loads(files["pyproject.toml"])["tool"]["ruff"]["lint"].get("per-file-ignores", {})


def test_tidies_layout_and_imports() -> None:
    assert format_package(package(UNTIDY))["demo/stages/train.py"] == TIDY


def test_deletes_nothing_but_unused_imports() -> None:
    text = "def f():\n    unused = compute()\n    return 1\n"
    assert format_package(package(text))["demo/stages/train.py"] == text


def test_keeps_imports_that_are_marked_as_needed() -> None:
    text = "import seaborn  # noqa: F401  imported for what importing it does\n"
    assert format_package(package(text))["demo/stages/train.py"] == text


def test_leaves_other_files_alone() -> None:
    files = {**package(TIDY), "README.md": "```python\nx  =  1\n```\n", "config/base.yaml": "a:   1\n"}
    formatted = format_package(files)
    assert {path: formatted[path] for path in ("README.md", "config/base.yaml")} == {
        path: files[path] for path in ("README.md", "config/base.yaml")
    }


def test_violations_are_named_per_file() -> None:
    files = {**package("l = 1\nO = 2\nx = undefined\n", "b.py"), "a.py": "l = 1\n", "c.py": "x = 1\n"}
    assert violations(files) == {"a.py": ("E741",), "b.py": ("E741", "F821")}


def test_violations_are_ignored_in_pyproject() -> None:
    assert ignores(format_package(package(UNTIDY))) == {"demo/stages/train.py": ["E741"]}


def test_nothing_is_ignored_without_need() -> None:
    assert ignores(format_package(package("x = 1\n"))) == {}


def test_result_passes_its_own_rules(tmp_path: Path) -> None:
    for path, text in format_package({**package(UNTIDY), "README.md": "```python\nx = 1\n```\n"}).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run([find_ruff_bin(), *command, "--no-cache", "."], cwd=tmp_path, capture_output=True)
        assert done.returncode == 0, done.stdout


def test_formatting_again_changes_nothing() -> None:
    once = format_package(package(UNTIDY))
    assert format_package(once) == once


@pytest.mark.parametrize("name", ["build", "dist", "venv", "runs"])
def test_no_name_is_passed_over(name: str) -> None:
    path = f"{name}/train.py"
    assert format_package({**package(UNTIDY, path), ".gitignore": "runs/\n"})[path] == TIDY


def test_the_environment_is_not_heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expected = format_package(package(UNTIDY))
    monkeypatch.setenv("RUFF_OUTPUT_FILE", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("RUFF_NO_CACHE", "false")
    assert format_package(package(UNTIDY)) == expected
    assert not any(tmp_path.iterdir())


def test_the_config_around_the_temporary_folder_is_not_heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expected = format_package(package(UNTIDY))
    (tmp_path / "ruff.toml").write_text('indent-width = 8\n[format]\nquote-style = "single"\n')
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert format_package(package(UNTIDY)) == expected


@pytest.mark.parametrize("text", ["def f(:\n", "x = 1\n  y = 2\n"])
def test_what_is_not_python_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match=r"train\.py"):
        format_package(package(text))
