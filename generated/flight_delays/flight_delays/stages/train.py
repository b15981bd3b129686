"""Stage train, from cell 20 of the notebook."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier


@dataclass(frozen=True)
class TrainOutputs:
    """What the stage train hands on."""

    model: HistGradientBoostingClassifier


def train(
    X_train: pd.DataFrame,
    y_train: np.ndarray,
    *,
    seed: int,
    learning_rate: float,
    max_iter: int,
    max_leaf_nodes: int,
    min_samples_leaf: int,
    l2_regularization: float,
    categorical_features: str,
) -> TrainOutputs:
    """Train.

    Gradient boosting on histograms: it takes categories and gaps as they are, and is quick
    enough to retrain every night.
    """
    model = HistGradientBoostingClassifier(
        learning_rate=learning_rate,
        max_iter=max_iter,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
        l2_regularization=l2_regularization,
        categorical_features=categorical_features,
        random_state=seed,
    )
    model.fit(X_train, y_train)
    return TrainOutputs(model=model)
