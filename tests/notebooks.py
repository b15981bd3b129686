"""Notebooks for tests, written as ``py:percent`` text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

MARKER = re.compile(r"^# %%(?P<rest>.*)$")


def cells_of(percent: str) -> list[dict[str, Any]]:
    """nbformat cells of a ``py:percent`` text; magics stand in it as they stand in a notebook."""
    cells: list[dict[str, Any]] = []
    for line in percent.strip("\n").split("\n"):
        marker = MARKER.match(line)
        if marker:
            tags = re.search(r"tags=(\[.*?\])", marker["rest"])
            kind = "markdown" if "[markdown]" in marker["rest"] else "code"
            cells.append({"kind": kind, "tags": json.loads(tags[1]) if tags else [], "lines": []})
        else:
            cells[-1]["lines"].append(line.removeprefix("# ") if cells[-1]["kind"] == "markdown" else line)
    result = []
    for number, cell in enumerate(cells):
        made: dict[str, Any] = {
            "cell_type": cell["kind"],
            "id": f"cell-{number}",
            "metadata": {"tags": cell["tags"]} if cell["tags"] else {},
            "source": "\n".join(cell["lines"]).strip("\n"),
        }
        if cell["kind"] == "code":
            made.update(execution_count=None, outputs=[])
        result.append(made)
    return result


def notebook_json(percent: str) -> dict[str, Any]:
    """The content of an ``.ipynb`` file."""
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return {"cells": cells_of(percent), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def write_notebook(path: Path, percent: str) -> Path:
    """Writes an ``.ipynb`` file and returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook_json(percent)), encoding="utf-8")
    return path
