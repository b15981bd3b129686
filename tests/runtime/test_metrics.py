"""Which values are numbers, and under which names."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from nb2pipe.runtime.metrics import number, numbers


class Tensor:
    """Looks like a 0-d tensor, without the import of torch."""

    shape = ()

    def item(self) -> float:
        return 2.5


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3.0),
        (0.5, 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7.0),
        (np.array(1.5), 1.5),
        (Tensor(), 2.5),
        (Fraction(1, 4), 0.25),
        (True, None),
        (np.bool_(True), None),
        ("0.5", None),
        (None, None),
        (1j, None),
        (np.array([1.5]), None),
        (np.datetime64("2024-01-01"), None),
        (10**400, None),
    ],
)
def test_number(value: Any, expected: float | None) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ({"auc": 0.7, "name": "x"}, {"auc": 0.7}),
        ({"metrics": {"auc": 0.7, "note": "good"}}, {"auc": 0.7}),
        ({"metrics": {"by": {"AA": 1}}}, {"by.AA": 1.0}),
        ({"report": {"macro avg": {"f1": 0.5}, 1: 2}}, {"report.macro avg.f1": 0.5, "report.1": 2.0}),
        ({"metrics": {"auc": 1}, "auc": 2}, {"metrics.auc": 1.0, "auc": 2.0}),
        ({"scores": {1: 0.1, "1": 0.2}}, {"scores.1": 0.1, "scores.1.2": 0.2}),
        ({"metrics": 0.5}, {"metrics": 0.5}),
    ],
)
def test_numbers(outputs: dict[str, Any], expected: dict[str, float]) -> None:
    assert numbers(outputs) == expected


def test_the_order_is_that_of_the_outputs() -> None:
    assert list(numbers({"b": 1, "a": {"z": 1, "y": 2}})) == ["b", "a.z", "a.y"]


def test_a_dict_that_holds_itself_ends() -> None:
    loop: dict[str, Any] = {"x": 1}
    loop["self"] = loop
    assert numbers({"loop": loop}) == {"loop.x": 1.0}
