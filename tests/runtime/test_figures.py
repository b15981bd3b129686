"""Figures as Jupyter's inline backend would have shown them; each case in a process of its own, as stages are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BEFORE = """
import sys
from pathlib import Path
from nb2pipe.runtime.figures import save_figures, use_headless_backend
folder = Path(sys.argv[1]) / "figures"
"""


def run(code: str, folder: Path) -> str:
    command = [sys.executable, "-W", "error", "-c", BEFORE + code, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


def test_matplotlib_is_not_imported_for_nothing(tmp_path: Path) -> None:
    code = "use_headless_backend(); print(save_figures('train', folder), 'matplotlib' in sys.modules, folder.exists())"
    assert run(code, tmp_path) == "() False False\n"


def test_show_keeps_the_figure_and_the_next_plot_starts_another(tmp_path: Path) -> None:
    code = """
use_headless_backend()
import matplotlib.pyplot as plt
plt.plot([1, 2]); plt.title("first"); plt.show()
assert not plt.get_fignums()
plt.plot([2, 1]); plt.suptitle("second")
for figure in save_figures("train", folder):
    print(figure.stage, figure.path, figure.title, (folder.parent / figure.path).read_bytes()[:4])
print(plt.get_fignums())
"""
    assert run(code, tmp_path).splitlines() == [
        r"train figures/train-1.png first b'\x89PNG'",
        r"train figures/train-2.png second b'\x89PNG'",
        "[]",
    ]


def test_a_backend_that_is_loaded_already_is_switched(tmp_path: Path) -> None:
    code = """
import matplotlib; matplotlib.use("svg")
import matplotlib.pyplot as plt
use_headless_backend()
plt.plot([1]); plt.show()
print(len(save_figures("train", folder)))
"""
    assert run(code, tmp_path) == "1\n"


def test_showing_one_figure_neither_warns_nor_doubles_it(tmp_path: Path) -> None:
    code = """
use_headless_backend()
import matplotlib.pyplot as plt
figure, axes = plt.subplots(); figure.show()
print(len(save_figures("train", folder)))
"""
    assert run(code, tmp_path) == "1\n"


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    code = """
use_headless_backend()
import matplotlib.pyplot as plt
for _ in range(2):
    plt.plot([1, 2]); plt.show()
first, second = save_figures("train", folder)
print((folder / "train-1.png").read_bytes() == (folder / "train-2.png").read_bytes())
"""
    assert run(code, tmp_path) == "True\n"


def test_a_figure_that_cannot_be_drawn_does_not_stop_the_stage(tmp_path: Path) -> None:
    code = """
sys.stderr = sys.stdout
use_headless_backend()
import matplotlib.pyplot as plt
plt.title(r"$\\\\frac{$"); plt.show()
print(save_figures("train", folder))
"""
    first, *_, last = run(code, tmp_path).splitlines()
    assert first.startswith("figure 1 could not be drawn: ")
    assert last == "()"
