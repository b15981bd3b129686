"""The package's name: the notebook's file name, made an identifier that shadows nothing."""

from __future__ import annotations

import keyword
import re
import sys
import unicodedata
from pathlib import PurePath

from nb2pipe.notebook.model import NotebookError

#: Import names that a package must not take: it would hide what the pipeline itself imports.
TAKEN = frozenset(
    "build click cloudpickle config dist fsspec jinja2 jupytext libcst lightgbm matplotlib mlflow nb2pipe "
    "nbformat numpy pandas pandera papermill pip plotly polars pyarrow pydantic pytest rich ruamel runs scipy "
    "seaborn setuptools sklearn statsmodels tensorflow test tests torch tqdm transformers venv xgboost yaml".split()
)
LONGEST_NAME = 100


def package_name(notebook: PurePath) -> str:
    """An import name for the notebook's package: ``01-My Model.ipynb`` → ``notebook_01_My_Model``."""
    letters = unicodedata.normalize("NFKD", notebook.stem).encode("ascii", "ignore").decode()
    name = re.sub(r"\W+", "_", letters).strip("_") or "notebook"
    if name[0].isdigit():
        name = f"notebook_{name}"
    if keyword.iskeyword(name) or name in TAKEN or name in sys.stdlib_module_names:
        name = f"{name}_pipeline"
    return name[:LONGEST_NAME]


def checked_name(name: str) -> str:
    """``name`` as given by ``--name``, or a :class:`NotebookError` when it cannot name a package."""
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name) or name.startswith("_"):
        raise NotebookError(f"{name!a} cannot name a package: use a plain identifier such as 'churn_model'")
    if name in TAKEN or name in sys.stdlib_module_names or len(name) > LONGEST_NAME:
        raise NotebookError(f"{name!r} cannot name a package: it hides the module of that name, or is too long")
    return name
