"""Stage evaluate, from cells 19, 20 and 21 of the notebook."""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from torch.nn import CrossEntropyLoss
from torch.utils.data import DataLoader

from digits_torch.helpers import DigitImages, DigitNet, predict


@dataclass(frozen=True)
class EvaluateOutputs:
    """What the stage evaluate hands on."""

    metrics: dict[str, float]
    model: DigitNet
    recall_by_digit: dict[str, float]


def evaluate(
    x_test: np.ndarray,
    y_test: np.ndarray,
    device: torch.device,
    model: DigitNet,
    criterion: CrossEntropyLoss,
    *,
    batch_size: int,
) -> EvaluateOutputs:
    """Evaluate.

    On images that neither the weights nor the stopping rule have seen; digit by digit as well.
    """
    test_loader = DataLoader(DigitImages(x_test, y_test), batch_size=batch_size)
    test_logits, test_labels = predict(model, test_loader, device=device)
    predicted = test_logits.argmax(dim=1).numpy()
    metrics = {
        "accuracy": float(accuracy_score(y_test, predicted)),
        "macro_f1": float(f1_score(y_test, predicted, average="macro")),
        "loss": float(criterion(test_logits, test_labels)),
    }
    recall_by_digit = {
        str(digit): float((predicted[y_test == digit] == digit).mean()) for digit in range(10)
    }

    confusion = confusion_matrix(y_test, predicted)
    plt.figure(figsize=(3.4, 3.2))
    plt.imshow(confusion, cmap="Blues")
    plt.xlabel("predicted")
    plt.ylabel("true")
    plt.title("Confusion")
    return EvaluateOutputs(metrics=metrics, model=model, recall_by_digit=recall_by_digit)
