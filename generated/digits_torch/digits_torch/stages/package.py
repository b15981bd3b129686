"""Stage package, from cell 23 of the notebook."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mlflow.models import ModelSignature, infer_signature

from digits_torch.helpers import DigitNet


@dataclass(frozen=True)
class PackageOutputs:
    """What the stage package hands on."""

    input_example: np.ndarray
    signature: ModelSignature


def package(
    x_test: np.ndarray,
    model: DigitNet,
    metrics: dict[str, float],
    *,
    seed: int,
    artifacts_path: str,
    digits_path: str,
    open_digits_path: str,
) -> PackageOutputs:
    """Package.

    Weights, signature and card.
    """
    input_example = x_test[:5, np.newaxis]
    with torch.no_grad():
        example_output = model(torch.tensor(input_example)).numpy()
    signature = infer_signature(input_example, example_output)

    Path(artifacts_path).mkdir(exist_ok=True)
    torch.save(model.state_dict(), digits_path)
    card = {"name": "digits_torch", "classes": 10, "seed": seed, "metrics": metrics}
    with open(open_digits_path, "w") as file:
        json.dump(card, file, indent=2)
    return PackageOutputs(input_example=input_example, signature=signature)
