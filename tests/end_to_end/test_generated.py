"""``generated/`` is what the notebooks make, byte for byte, and its tests are part of ours."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

import pytest

from nb2pipe.convert import convert
from nb2pipe.emit.write import write
from tests.end_to_end.conftest import ROOT

NAMES = ("digits_torch", "flight_delays")


def files(folder: Path) -> dict[str, bytes]:
    """What git would keep of a package."""
    made = ("__pycache__", ".pytest_cache", ".ruff_cache", "runs", "egg-info")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(word in str(path) for word in made)
    }


@pytest.mark.parametrize("name", NAMES)
def test_regenerating_changes_nothing(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns("data"))
    conversion = convert(tmp_path / "notebooks" / f"{name}.ipynb", tmp_path / "generated")
    assert conversion.findings == () and conversion.plan is not None
    write(conversion.plan)
    assert files(tmp_path / "generated" / name) == files(ROOT / "generated" / name)


@pytest.mark.parametrize("name", NAMES)
def test_two_conversions_give_identical_bytes(name: str, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        shutil.copytree(ROOT / "notebooks", tmp_path / folder / "notebooks", ignore=shutil.ignore_patterns("data"))
        conversion = convert(tmp_path / folder / "notebooks" / f"{name}.ipynb", tmp_path / folder / "generated")
        assert conversion.plan is not None
        write(conversion.plan)
    compared = filecmp.dircmp(tmp_path / "one", tmp_path / "two")
    assert compared.left_only == compared.right_only == compared.diff_files == []
    assert files(tmp_path / "one") == files(tmp_path / "two")
