"""Functions, classes and constants of the notebook."""

import torch
from torch import nn
from torch.utils.data import Dataset


class DigitImages(Dataset):
    """Images as float tensors of shape (1, 8, 8) with values from 0 to 1, and their labels."""

    def __init__(self, images, labels):
        self.images = torch.tensor(images, dtype=torch.float32).unsqueeze(1)
        self.labels = torch.tensor(labels, dtype=torch.long)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


class DigitNet(nn.Module):
    """Two convolutions and two dense layers, about 20,000 weights."""

    def __init__(self, channels=16, dropout=0.25):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, channels, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, 2 * channels, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(2 * channels * 16, 32),
            nn.ReLU(),
            nn.Linear(32, 10),
        )

    def forward(self, x):
        return self.head(self.features(x))


def train_one_epoch(model, loader, optimizer, criterion, *, device):
    """One pass over the training images; returns the mean loss."""
    model.train()
    total = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(images.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    return total / len(loader.dataset)


def predict(model, loader, *, device):
    """Logits and labels of all images of a loader."""
    model.eval()
    logits, labels = [], []
    with torch.no_grad():
        for images, targets in loader:
            logits.append(model(images.to(device)))
            labels.append(targets)
    return torch.cat(logits), torch.cat(labels)
