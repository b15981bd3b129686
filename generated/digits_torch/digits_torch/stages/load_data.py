"""Stage load_data, from cell 8 of the notebook."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits


@dataclass(frozen=True)
class LoadDataOutputs:
    """What the stage load_data hands on."""

    images: np.ndarray
    labels: np.ndarray


def load_data() -> LoadDataOutputs:
    """Load.

    Grey values go from 0 to 16.
    """
    digits = load_digits()
    images, labels = digits.images, digits.target
    print(images.shape, labels.shape)
    return LoadDataOutputs(images=images, labels=labels)
