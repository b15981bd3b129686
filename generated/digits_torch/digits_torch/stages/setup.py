"""Stage setup, from cell 4 of the notebook."""

import random
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class SetupOutputs:
    """What the stage setup hands on."""

    device: torch.device


def setup(*, seed: int) -> SetupOutputs:
    """Stage setup."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)

    device = torch.device("cpu")
    return SetupOutputs(device=device)
