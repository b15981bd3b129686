"""Fit."""

import random
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from handmade.helpers import COUNTER, Scaler, misbehave


class FitOutputs(NamedTuple):
    model: dict
    draw: float
    same: bool
    counted: int
    leftover: Any


def fit(
    table: pd.DataFrame,
    scaler: Scaler,
    draws: Any,
    view: Any,
    *,
    rate: float,
    steps: int,
    options: dict,
    behaviour: str,
) -> FitOutputs:
    """A model of sorts."""
    misbehave(behaviour)
    draws[1] = 5.0
    model = {"rate": rate, "steps": steps, "options": options, "mean": float(table["x"].mean())}
    leftover = (number for number in range(3)) if behaviour == "unpicklable" else None
    if behaviour == "lack":
        return NamedTuple("Lacking", [("model", dict)])(model)
    return FitOutputs(
        model=model,
        draw=float(np.random.rand()) + random.random(),
        same=scaler.table is table and float(view[0]) == 5.0,
        counted=len(COUNTER),
        leftover=leftover,
    )
