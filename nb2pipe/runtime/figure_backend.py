"""A matplotlib backend for stages: Agg, whose ``show()`` keeps the open figures instead of asking for a window.

matplotlib loads it by name; see :mod:`nb2pipe.runtime.figures`.
"""

from __future__ import annotations

from typing import Any

from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

from nb2pipe.runtime.figures import capture_open_figures


class FigureManager(FigureManagerBase):
    """Shows by keeping: ``plt.show()`` takes all open figures; ``figure.show()`` leaves its figure open."""

    @classmethod
    def pyplot_show(cls, **_: Any) -> None:
        """What ``plt.show()`` calls."""
        capture_open_figures()

    def show(self) -> None:
        """What ``figure.show()`` calls: nothing to do, the figure is kept when the stage ends."""


class FigureCanvas(FigureCanvasAgg):
    """Agg's canvas with the manager above."""

    manager_class: Any = FigureManager
