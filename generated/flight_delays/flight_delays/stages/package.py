"""Stage package, from cell 27 of the notebook."""

import json
from dataclasses import dataclass
from pathlib import Path

import joblib
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from sklearn.ensemble import HistGradientBoostingClassifier


@dataclass(frozen=True)
class PackageOutputs:
    """What the stage package hands on."""

    input_example: pd.DataFrame
    signature: ModelSignature


def package(
    X_test: pd.DataFrame,
    model: HistGradientBoostingClassifier,
    features: list[str],
    metrics: dict[str, float],
    *,
    decision_threshold: float,
    late_after_minutes: int,
    test_from: str,
    artifacts: Path,
) -> PackageOutputs:
    """Package.

    The model with its signature and a card that says what it is for.
    """
    input_example = X_test.head(5)
    signature = infer_signature(input_example, model.predict(input_example))
    model_card = {
        "name": "flight_delays",
        "predicts": f"arrival more than {late_after_minutes} minutes late",
        "features": features,
        "decision_threshold": decision_threshold,
        "metrics": {name: round(value, 4) for name, value in metrics.items()},
        "test_from": test_from,
    }
    artifacts.mkdir(exist_ok=True)
    joblib.dump(model, artifacts / "flight_delays.joblib")
    (artifacts / "model_card.json").write_text(json.dumps(model_card, indent=2))
    return PackageOutputs(input_example=input_example, signature=signature)
