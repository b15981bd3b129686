"""Stage train, from cells 15, 16 and 17 of the notebook."""

import copy
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import CrossEntropyLoss
from torch.utils.data import DataLoader

from digits_torch.helpers import DigitImages, DigitNet, predict, train_one_epoch


@dataclass(frozen=True)
class TrainOutputs:
    """What the stage train hands on."""

    criterion: CrossEntropyLoss
    model: DigitNet


def train(
    x_train: np.ndarray,
    y_train: np.ndarray,
    x_val: np.ndarray,
    y_val: np.ndarray,
    device: torch.device,
    *,
    learning_rate: float,
    epochs: int,
    patience: int,
    train_loader_batch_size: int,
    train_loader_shuffle: bool,
    val_loader_batch_size: int,
    weight_decay: float,
    step_size: int,
    gamma: float,
) -> TrainOutputs:
    """Train.

    Adam with a step schedule; stop when the validation loss has not improved for a while, and
    keep the best weights.
    """
    train_loader = DataLoader(
        DigitImages(x_train, y_train),
        batch_size=train_loader_batch_size,
        shuffle=train_loader_shuffle,
    )
    val_loader = DataLoader(DigitImages(x_val, y_val), batch_size=val_loader_batch_size)

    model = DigitNet().to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=step_size, gamma=gamma)

    best_loss, best_state, stale = float("inf"), None, 0
    history = []
    for epoch in range(epochs):
        train_loss = train_one_epoch(model, train_loader, optimizer, criterion, device=device)
        val_logits, val_labels = predict(model, val_loader, device=device)
        val_loss = criterion(val_logits, val_labels).item()
        scheduler.step()
        history.append({"epoch": epoch, "train": train_loss, "validation": val_loss})
        if val_loss < best_loss:
            best_loss, best_state, stale = val_loss, copy.deepcopy(model.state_dict()), 0
        else:
            stale += 1
            if stale >= patience:
                break
    model.load_state_dict(best_state)
    print(f"stopped after {len(history)} epochs, best validation loss {best_loss:.4f}")

    plt.figure(figsize=(5, 2.8))
    plt.plot([h["train"] for h in history], label="train")
    plt.plot([h["validation"] for h in history], label="validation")
    plt.title("Cross-entropy by epoch")
    plt.legend()
    return TrainOutputs(criterion=criterion, model=model)
