"""Reading: formats, roles, names."""

from __future__ import annotations

import json
from pathlib import Path, PurePath

import jupytext
import nbformat
import pytest

from nb2pipe.notebook import CellKind, Role, read_notebook
from nb2pipe.notebook.names import package_name
from tests.notebooks import notebook_json, write_notebook

NOTEBOOK = """
# %% [markdown]
# # Title
# %%
%matplotlib inline
import math
# %% tags=["parameters"]
rows = 3
# %%
limit = rows * 2
# %% tags=["skip"]
print(limit)
# %% tags=["stage:load_data"]
data = list(range(limit))
# %%
data = data[1:]
# %% tags=["stage:train_tree", "important"]
total = math.fsum(data)
"""
ROLES = [
    (Role.SETUP, None),
    (Role.PARAMETERS, None),
    (Role.SETUP, None),
    (Role.SKIP, None),
    (Role.STAGE, "load_data"),
    (Role.STAGE, "load_data"),
    (Role.STAGE, "train_tree"),
]


def test_roles_continue_until_the_next_stage(tmp_path: Path) -> None:
    notebook = read_notebook(write_notebook(tmp_path / "n.ipynb", NOTEBOOK))
    code = [cell for cell in notebook.cells if cell.kind is CellKind.CODE]
    assert [(cell.role, cell.stage) for cell in code] == ROLES
    assert [cell.number for cell in code] == [2, 3, 4, 5, 6, 7, 8]
    assert [cell.index for cell in code] == list(range(7))


@pytest.mark.parametrize(("suffix", "form"), [(".py", "py:percent"), (".md", "md:myst")])
def test_text_formats_read_as_the_notebook_does(suffix: str, form: str, tmp_path: Path) -> None:
    made = write_notebook(tmp_path / "n.ipynb", NOTEBOOK)
    other = tmp_path / f"other{suffix}"
    other.write_text(jupytext.writes(nbformat.read(made, as_version=4), fmt=form), encoding="utf-8")
    one, two = read_notebook(made), read_notebook(other)
    assert [(c.kind, c.role, c.stage, c.code, c.number) for c in one.cells] == [
        (c.kind, c.role, c.stage, c.code, c.number) for c in two.cells
    ]


def test_outputs_and_ids_do_not_change_the_digest(tmp_path: Path) -> None:
    content = notebook_json(NOTEBOOK)
    (tmp_path / "a.ipynb").write_text(json.dumps(content))
    for cell in content["cells"]:
        cell["id"] = f"{cell['id']}-new"
        if cell["cell_type"] == "code":
            cell.update(execution_count=7, outputs=[{"output_type": "stream", "name": "stdout", "text": "x"}])
    (tmp_path / "b.ipynb").write_text(json.dumps(content))
    assert read_notebook(tmp_path / "a.ipynb").digest == read_notebook(tmp_path / "b.ipynb").digest


def test_a_changed_tag_changes_the_digest(tmp_path: Path) -> None:
    one = write_notebook(tmp_path / "a.ipynb", NOTEBOOK)
    two = write_notebook(tmp_path / "b.ipynb", NOTEBOOK.replace("train_tree", "train_forest"))
    assert read_notebook(one).digest != read_notebook(two).digest


def test_ids_in_a_format_that_does_not_know_them_are_no_reason_to_refuse(tmp_path: Path) -> None:
    (tmp_path / "n.ipynb").write_text(json.dumps({**notebook_json(NOTEBOOK), "nbformat_minor": 4}))
    assert len(read_notebook(tmp_path / "n.ipynb").cells) == 8


NAMES = [
    ("flight_delays.ipynb", "flight_delays"),
    ("01-My Model (v2).ipynb", "notebook_01_My_Model_v2"),
    ("class.ipynb", "class_pipeline"),
    ("json.ipynb", "json_pipeline"),
    ("torch.py", "torch_pipeline"),
    ("config.md", "config_pipeline"),
    ("été.ipynb", "ete"),
    ("___.ipynb", "notebook"),
]


@pytest.mark.parametrize(("file", "name"), NAMES)
def test_the_name_is_an_identifier_that_hides_nothing(file: str, name: str) -> None:
    assert package_name(PurePath(file)) == name
