"""Stage transform, from cell 13 of the notebook."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split


@dataclass(frozen=True)
class TransformOutputs:
    """What the stage transform hands on."""

    x_test: np.ndarray
    x_train: np.ndarray
    x_val: np.ndarray
    y_test: np.ndarray
    y_train: np.ndarray
    y_val: np.ndarray


def transform(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    seed: int,
    test_size: float,
    train_test_split_2_test_size: float,
) -> TransformOutputs:
    """Split.

    Stratified: 60 % to train, 20 % to decide when to stop, 20 % to judge.
    """
    scaled = (images / 16.0).astype("float32")
    x_rest, x_test, y_rest, y_test = train_test_split(
        scaled, labels, test_size=test_size, stratify=labels, random_state=seed
    )
    x_train, x_val, y_train, y_val = train_test_split(
        x_rest, y_rest, test_size=train_test_split_2_test_size, stratify=y_rest, random_state=seed
    )
    return TransformOutputs(
        x_test=x_test, x_train=x_train, x_val=x_val, y_test=y_test, y_train=y_train, y_val=y_val
    )
