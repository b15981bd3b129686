"""Stage evaluate, from cells 22, 23, 24 and 25 of the notebook."""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    roc_auc_score,
    roc_curve,
)

from flight_delays.helpers import slice_scores


@dataclass(frozen=True)
class EvaluateOutputs:
    """What the stage evaluate hands on."""

    metrics: dict[str, float]
    slices: dict[str, dict]


def evaluate(
    X_test: pd.DataFrame,
    model: HistGradientBoostingClassifier,
    y_test: np.ndarray,
    test_rows: pd.DataFrame,
    *,
    decision_threshold: float,
) -> EvaluateOutputs:
    """How good is it?

    The last three months, which the model has never seen; also by carrier and by airport, since
    an average hides the ones that suffer.
    """
    proba = model.predict_proba(X_test)[:, 1]
    metrics = {
        "roc_auc": float(roc_auc_score(y_test, proba)),
        "average_precision": float(average_precision_score(y_test, proba)),
        "brier": float(brier_score_loss(y_test, proba)),
        "accuracy": float(accuracy_score(y_test, proba > decision_threshold)),
        "base_rate": float(y_test.mean()),
    }
    slices = {
        "carrier": slice_scores(y_test, proba, test_rows["carrier"]),
        "origin": slice_scores(y_test, proba, test_rows["origin"]),
    }

    fpr, tpr, _ = roc_curve(y_test, proba)
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2))
    left.plot(fpr, tpr)
    left.plot([0, 1], [0, 1], linestyle=":", color="grey")
    left.set(
        title=f"ROC, area {metrics['roc_auc']:.3f}",
        xlabel="false alarms",
        ylabel="late flights found",
    )
    observed, predicted = calibration_curve(y_test, proba, n_bins=10, strategy="quantile")
    right.plot(predicted, observed, marker="o")
    right.plot([0, 0.6], [0, 0.6], linestyle=":", color="grey")
    right.set(title="Calibration", xlabel="predicted", ylabel="observed")
    fig.tight_layout()
    plt.show()

    by_carrier = pd.DataFrame(slices["carrier"]).T.sort_values("roc_auc")
    by_carrier["roc_auc"].plot.barh(title="ROC AUC by carrier", xlim=(0.5, 0.8))
    plt.tight_layout()
    return EvaluateOutputs(metrics=metrics, slices=slices)
