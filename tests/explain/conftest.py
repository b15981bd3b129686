"""Small notebooks, explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nb2pipe.convert import explained
from nb2pipe.explain import CellView, Explanation
from tests.notebooks import write_notebook

Explain = Callable[[str], Explanation]
Cells = Callable[[str], tuple[CellView, ...]]


@pytest.fixture
def explanation_of(tmp_path: Path) -> Explain:
    def make(percent: str) -> Explanation:
        return explained(write_notebook(tmp_path / "n.ipynb", percent))

    return make


@pytest.fixture
def cells_of(explanation_of: Explain) -> Cells:
    """The code cells."""
    return lambda percent: explanation_of(percent).code_cells
