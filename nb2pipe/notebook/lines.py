"""From a line of a cell to the line of the file that holds it, for programs that show findings beside the file."""

from __future__ import annotations

import re
from collections.abc import Callable

_SOURCE = re.compile(r'^\s*"source"\s*:\s*(?P<rest>.*)$')


def file_lines(text: str, suffix: str, cells: int) -> Callable[[int, int], int]:
    """``(cell, line) -> line of the file``, all counted from 1; 1 where the text does not tell.

    Args:
        text: the file as it stands.
        cells: how many cells the notebook has.
    """
    starts = _in_json(text) if suffix == ".ipynb" else _in_percent(text) if suffix == ".py" else []
    if len(starts) != cells:
        return lambda cell, line: 1
    return lambda cell, line: starts[cell - 1][0] + (line if starts[cell - 1][1] else 0)


def _in_json(text: str) -> list[tuple[int, bool]]:
    """The line of each cell's ``"source"``, and whether the lines below it are the cell's, one by one."""
    found: list[tuple[int, bool]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        match = _SOURCE.match(line)
        if match:
            found.append((number, match["rest"].strip() == "["))
    return found


def _in_percent(text: str) -> list[tuple[int, bool]]:
    return [(n, True) for n, line in enumerate(text.split("\n"), start=1) if line.startswith("# %%")]
