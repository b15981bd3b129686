"""Load."""

import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd


class LoadOutputs(NamedTuple):
    numbers: pd.DataFrame


def load(*, path: Path, seed: int) -> LoadOutputs:
    """The numbers."""
    random.seed(seed)
    np.random.seed(seed)
    numbers = pd.read_csv(path)
    return LoadOutputs(numbers=numbers)
