"""Explaining: :class:`~nb2pipe.pipeline.Planned` → what became of every cell, what crosses between stages, and why."""

from nb2pipe.explain.explain import explain
from nb2pipe.explain.model import CellView, Crossing, Explanation, Fate, Place, StageView

__all__ = ["CellView", "Crossing", "Explanation", "Fate", "Place", "StageView", "explain"]
