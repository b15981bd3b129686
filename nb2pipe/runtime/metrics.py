"""Numbers of a stage's outputs, flattened into metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

BARE = "metrics"
"""A dict of this name gives its keys to the metrics without a prefix."""


def numbers(outputs: Mapping[str, Any]) -> dict[str, float]:
    """Every number in ``outputs`` under a dotted name, in the order of the outputs.

    A scalar ``x`` is ``x``; a dict ``name`` gives ``name.key`` (nested: ``name.a.b``); a dict called ``metrics``
    gives ``key``, unless another output has that name already: then ``metrics.key``. What is not a number
    (text, truth values, arrays with elements) is left out.
    """
    leaves = [(name, path, value) for name, output in outputs.items() for path, value in _leaves(output, (), ())]
    taken = {".".join((name, *path)) for name, path, _ in leaves if not _is_bare(name, path)}
    found: dict[str, float] = {}
    for name, path, value in leaves:
        key = ".".join((name, *path))
        if _is_bare(name, path):
            short = ".".join(path)
            key = key if short in taken or short in found else short
        found[_unused(key, found)] = value
    return found


def number(value: Any) -> float | None:
    """``value`` as a float when it is one number (also a NumPy scalar or a 0-d array or tensor), else ``None``."""
    if not isinstance(value, Real) and getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _is_bare(name: str, path: tuple[str, ...]) -> bool:
    return name == BARE and bool(path)


def _unused(key: str, found: Mapping[str, float]) -> str:
    """``key``, or with a number behind it when two keys read the same as text (``1`` and ``"1"``)."""
    candidate, count = key, 1
    while candidate in found:
        count += 1
        candidate = f"{key}.{count}"
    return candidate


def _leaves(value: Any, path: tuple[str, ...], parents: tuple[int, ...]) -> Iterator[tuple[tuple[str, ...], float]]:
    if isinstance(value, Mapping):
        if id(value) not in parents:
            for key, inner in value.items():
                yield from _leaves(inner, (*path, str(key)), (*parents, id(value)))
    elif (found := number(value)) is not None:
        yield path, found
