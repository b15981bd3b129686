"""One thing that cannot be converted is one finding: what follows from it is not reported as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from nb2pipe.convert import check
from tests.notebooks import write_notebook


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("# %%\nimport os\n%unknown\nfiles = %unknown\n# %%\nprint(os.sep, files)", {"NB101", "NB301"}),
        ("# %%\nfrom nobody_knows import *\n# %%\nprint(something)", {"NB103", "NB301"}),
        ("# %%\n%unknown\n# %%\nprint(something)", {"NB101", "NB202", "NB301"}),
    ],
)
def test_only_the_cause_is_reported(source: str, codes: set[str], tmp_path: Path) -> None:
    assert {finding.code for finding in check(write_notebook(tmp_path / "n.ipynb", source))} == codes
