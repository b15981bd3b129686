"""The random state: captured and restored bit for bit."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from nb2pipe.runtime import random_state
from nb2pipe.runtime.formats import graph

torch = pytest.importorskip("torch")


def draws() -> list[Any]:
    return [random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(), torch.rand(2).tolist()]


def through_the_store(state: dict[str, Any]) -> Any:
    return graph.load(b"".join(bytes(part) for part in graph.dump(state)))


def test_draws_go_on_where_they_were() -> None:
    random.gauss(0, 1)  # keeps a second number in store
    np.random.randn()
    state = random_state.capture()
    expected = draws()
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    random_state.restore(through_the_store(state))
    assert draws() == expected


def test_a_state_without_torch_leaves_torch_alone() -> None:
    state = {name: value for name, value in random_state.capture().items() if name == "random"}
    torch.manual_seed(5)
    np.random.seed(5)
    random_state.restore(state)
    assert (torch.initial_seed(), np.random.rand()) == (5, np.random.RandomState(5).rand())


def test_the_same_state_has_the_same_bytes() -> None:
    parts = [b"".join(bytes(part) for part in graph.dump(random_state.capture())) for _ in range(2)]
    assert parts[0] == parts[1]
