"""Contracts of what crosses from stage to stage. Yours to sharpen."""

import numpy as np
import torch
from mlflow.models import ModelSignature
from torch.nn import CrossEntropyLoss

from digits_torch.helpers import DigitNet

#: Types of the artifacts, where the notebook's code tells them.
TYPES: dict[str, object] = {
    "setup.device": torch.device,
    "load_data.images": np.ndarray,
    "load_data.labels": np.ndarray,
    "transform.x_test": np.ndarray,
    "transform.x_train": np.ndarray,
    "transform.x_val": np.ndarray,
    "transform.y_test": np.ndarray,
    "transform.y_train": np.ndarray,
    "transform.y_val": np.ndarray,
    "train.criterion": CrossEntropyLoss,
    "train.model": DigitNet,
    "evaluate.metrics": dict[str, float],
    "evaluate.model": DigitNet,
    "evaluate.recall_by_digit": dict[str, float],
    "package.input_example": np.ndarray,
    "package.signature": ModelSignature,
}
