"""Loading a package, and what people are told when it is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nb2pipe.runtime import RunError, load_package
from nb2pipe.runtime.package import package_of

PIPELINE = """\
from nb2pipe.runtime import Pipeline, Stage


def load() -> None: ...


PIPELINE = Pipeline(name="{name}", stages=(Stage(load, kind="load_data"),))
"""


@pytest.fixture(autouse=True)
def same_path() -> Iterator[None]:
    """Leave ``sys.path`` as it was."""
    before = list(sys.path)
    yield
    sys.path[:] = before


def make(folder: Path, name: str, text: str = PIPELINE) -> Path:
    (folder / name / name).mkdir(parents=True)
    (folder / name / name / "__init__.py").touch()
    (folder / name / name / "pipeline.py").write_text(text.format(name=name))
    return folder / name


@pytest.mark.parametrize("inner", [False, True])
def test_a_package_is_loaded_from_either_folder(tmp_path: Path, inner: bool) -> None:
    folder = make(tmp_path, "loaded_from")
    pipeline = load_package(folder / "loaded_from" if inner else folder)
    assert pipeline.name == "loaded_from"
    assert package_of(pipeline).folder == folder


def test_a_package_that_was_made_again_is_loaded_again(tmp_path: Path) -> None:
    load_package(make(tmp_path / "one", "made_again"))
    second = load_package(make(tmp_path / "two", "made_again"))
    assert package_of(second).folder == tmp_path / "two" / "made_again"


def test_an_installed_package_has_its_config_inside(tmp_path: Path) -> None:
    folder = make(tmp_path, "put_in")
    (folder / "put_in" / "config").mkdir()
    (folder / "put_in" / "config" / "base.yaml").touch()
    package = package_of(load_package(folder))
    assert (package.config, package.lock) == (folder / "put_in/config", folder / "put_in/notebook.lock")


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nowhere does not exist: name a generated package"):
        load_package(tmp_path / "nowhere")


def test_a_notebook_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").touch()
    with pytest.raises(RunError, match="is a file: name the folder of a generated package"):
        load_package(tmp_path / "x.ipynb")


def test_a_folder_without_a_definition(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"holds no pipeline\.py .*: convert the notebook first"):
        load_package(tmp_path)


BROKEN = {
    "missing_module": ("import lightgbmm\n", "there is no module 'lightgbmm' here; install the package's dependencies"),
    "syntax_error": ("def (:\n", r"pipeline\.py:1: syntax_error cannot be imported: SyntaxError"),
    "raises": ("1 / 0\n", r"pipeline\.py:1: raises cannot be imported: ZeroDivisionError: division by zero"),
    "no_definition": ("x = 1\n", "defines no PIPELINE"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_package_says_what_and_where(tmp_path: Path, name: str) -> None:
    text, message = BROKEN[name]
    with pytest.raises(RunError, match=message):
        load_package(make(tmp_path, name, text))


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is another module called json"):
        load_package(make(tmp_path, "json"))
