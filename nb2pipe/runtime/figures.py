"""Figures of a stage, drawn without a display and kept as PNG files.

As under Jupyter's inline backend, ``plt.show()`` takes all open figures and closes them; those still open when
the stage ends are kept as well. Costs nothing while matplotlib is not imported.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nb2pipe.runtime.record import FigureRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BACKEND = "module://nb2pipe.runtime.figure_backend"
DPI = 110

_shown: list[tuple[str, bytes]] = []  # title and PNG of what show() took, in order; one stage per process


def use_headless_backend() -> None:
    """Make matplotlib draw without a display, whether or not it is imported already."""
    os.environ["MPLBACKEND"] = BACKEND
    if "matplotlib" in sys.modules:
        import matplotlib

        matplotlib.use(BACKEND, force=True)


def capture_open_figures() -> None:
    """Keep a picture of every open figure and close it: what ``plt.show()`` does."""
    if "matplotlib.pyplot" not in sys.modules:
        return
    from matplotlib import pyplot

    for number in pyplot.get_fignums():
        figure = pyplot.figure(number)
        try:
            _shown.append((_title(figure), _png(figure)))
        except Exception as error:  # as in Jupyter, a figure that cannot be drawn does not stop the code
            print(f"figure {number} could not be drawn: {type(error).__name__}: {error}", file=sys.stderr)
        pyplot.close(figure)


def save_figures(stage: str, folder: Path) -> tuple[FigureRecord, ...]:
    """Write the stage's figures, shown or still open, as ``<stage>-1.png``, ... into ``folder`` and close them.

    ``folder`` is the run's folder of figures; the records' paths are relative to its parent, the run's folder.
    """
    capture_open_figures()
    records = []
    for number, (title, png) in enumerate(_shown, start=1):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{stage}-{number}.png"
        path.write_bytes(png)
        records.append(FigureRecord(stage=stage, path=f"{folder.name}/{path.name}", title=title))
    _shown.clear()
    return tuple(records)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()


def _title(figure: Figure) -> str:
    titles = [figure.get_suptitle(), *(axes.get_title(loc) for axes in figure.axes for loc in ("center", "left"))]
    return next((" ".join(title.split()) for title in titles if title.strip()), "")
