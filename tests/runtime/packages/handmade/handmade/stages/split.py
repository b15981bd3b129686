"""Split."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from handmade.helpers import COUNTER, Scaler


class SplitOutputs(NamedTuple):
    train: pd.DataFrame
    scaler: Scaler
    draws: Any
    view: Any


def split(numbers: pd.DataFrame, *, share: float, columns: list[str]) -> SplitOutputs:
    """A part of the numbers."""
    COUNTER.append(1)
    train = numbers[columns].sample(frac=share)
    scaler = Scaler(train)
    draws = np.random.rand(4)
    view = draws[1:]
    return SplitOutputs(train=train, scaler=scaler, draws=draws, view=view)
