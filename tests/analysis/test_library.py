"""The tables of library knowledge: every row is well formed, and names something that there is."""

from __future__ import annotations

import builtins
import collections
import importlib
import io
import re
from importlib import resources
from pathlib import Path

import matplotlib.axis
import mpl_toolkits.mplot3d.axes3d
import pytest

from nb2pipe.analysis.library import UNKNOWN, library

README = (Path(str(resources.files("nb2pipe.analysis"))) / "knowledge" / "README.md").read_text(encoding="utf-8")
FLAGS = {
    flag for cell in re.findall(r"^\| (`.*?`) \|", README, re.MULTILINE) for flag in re.findall(r"`([^`]+)`", cell)
}
INSTALLED = [path for path in library().functions if not path.startswith(("seaborn", "tqdm", "yaml", "scipy"))]


def test_every_flag_is_documented() -> None:
    rows = [*library().functions.values(), *(row for table in library().methods.values() for row in table.values())]
    used = {flag for row in rows for flag in row.flags}
    assert used <= FLAGS


@pytest.mark.parametrize("path", [path for path in INSTALLED if "*" not in path])
def test_a_function_is_really_there(path: str) -> None:
    if path.startswith("builtins."):
        assert hasattr(builtins, path.partition(".")[2]) or path == "builtins.display"  # the kernel adds it
        return
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return
    pytest.fail(f"no module for {path}")


def test_the_longest_match_counts() -> None:
    assert library().function("numpy.random.seed").flags == {"seeds"}
    assert "draws" in library().function("numpy.random.gamma")
    assert library().function("numpy.gamma_like_function").flags == frozenset()


def test_a_class_has_a_row_of_its_own() -> None:
    assert library().function("sklearn.linear_model.Ridge").returns == "sklearn.linear_model.Ridge"
    assert library().function("sklearn.metrics.f1_score").returns == "float"


def test_what_is_not_listed_may_do_anything() -> None:
    assert library().function("some.other.library") is UNKNOWN
    assert library().named_method("frobnicate") is UNKNOWN
    assert library().method("pandas.DataFrame", "merge") != UNKNOWN


@pytest.mark.parametrize(
    ("receiver", "cls"), [("collections.Counter", collections.Counter), ("io.TextIOWrapper", io.TextIOWrapper)]
)
def test_methods_of_the_standard_library_are_really_there(receiver: str, cls: type) -> None:
    assert all(hasattr(cls, name) for name in library().methods[receiver])


def test_writing_to_a_file_and_counting_are_known() -> None:
    assert library().method("io.TextIOWrapper", "write").flags == {"mutates self", "writes"}
    assert library().method("collections.Counter", "most_common").flags == {"shares"}
    assert library().function("urllib.request.urlretrieve").flags == {"writes"}
    assert library().function("os.walk").flags == {"reads"}


@pytest.mark.parametrize(
    "name",
    "invert_yaxis plot_surface plot_wireframe scatter3D set_major_formatter set_major_locator set_minor_locator "
    "set_xlabel set_xlim set_xticklabels set_ylabel set_ylim set_yticklabels set_zlabel set_zlim tick_params "
    "view_init".split(),
)
def test_what_only_axes_have_draws_on_a_figure(name: str) -> None:
    owners = [mpl_toolkits.mplot3d.axes3d.Axes3D, matplotlib.axis.Axis]
    assert any(hasattr(owner, name) for owner in owners)
    assert library().named_method(name).flags == {"mutates self", "shares", "plots"}
