"""Variables that functions share, and modules that change: out of one process, into the next."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nb2pipe.runtime import namespace
from nb2pipe.runtime.definition import Absence
from nb2pipe.runtime.formats import carried, graph


def crossed(value: Any) -> Any:
    return graph.load(b"".join(bytes(part) for part in graph.dump(value)))


def test_an_unbound_variable_stays_unbound() -> None:
    helpers = ModuleType("helpers")
    helpers.rows = [1]  # type: ignore[attr-defined]
    saved = namespace.save(helpers, ("rows", "limit"))
    assert saved == {"rows": [1], "limit": Absence.UNBOUND}
    other = ModuleType("helpers")
    other.limit = 3  # type: ignore[attr-defined]
    namespace.restore(other, crossed(saved))
    assert other.rows == [1]
    assert not hasattr(other, "limit")


@pytest.fixture
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "counter_of_test.py").write_text("SEEN = []\ndef see(x):\n    SEEN.append(x)\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = __import__("counter_of_test")
    yield module  # type: ignore[misc]
    sys.modules.pop("counter_of_test")


def test_a_module_crosses_with_what_it_holds(counter: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carried, "CHANGING", {"counter_of_test"})
    counter.see(1)
    parts = graph.dump({"module": counter, "seen": counter.SEEN})
    counter.SEEN = []
    back = graph.load(b"".join(bytes(part) for part in parts))
    assert back["module"] is counter
    assert counter.SEEN is back["seen"]
    assert counter.SEEN == [1]


def test_another_module_crosses_by_its_name(counter: ModuleType) -> None:
    counter.see(1)
    back = crossed({"module": counter})
    assert back["module"] is counter
