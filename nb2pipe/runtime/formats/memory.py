"""The memory of arrays, apart from the pickle that speaks of it.

Arrays whose memory overlaps are kept as one segment with several views, so that a view and its base stay
tied. An array alone in its memory is kept packed, with its strides, so that layout (and with it the order in
which sums are taken) survives. Arrays inside pandas objects are always alone: pandas (copy on write) would not
know that they are shared, and a write to one table would reach another.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from nb2pipe.runtime.files import Bytes
from nb2pipe.runtime.formats import columns

VIEWS: tuple[type, ...] = (
    type({}.keys()),
    type({}.values()),
    type({}.items()),
)

_loaded: list[Any] = []  # while a graph is being loaded: its arrays and storages


@dataclass(frozen=True)
class Piece:
    """One piece of memory: what :func:`load` must know, and the bytes."""

    spec: tuple[Any, ...]
    data: Bytes


@dataclass
class Collected:
    """The arrays and storages met while pickling; each is known in the pickle by its number."""

    entries: list[tuple[str, Any]] = field(default_factory=list)  # ("shared" | "alone" | "storage" | "buffer", object)
    numbers: dict[Hashable, int] = field(default_factory=dict)

    def number(self, kind: str, key: Hashable, value: Any) -> int:
        """The number of ``value``, which is kept alive; the same ``key`` gives the same number."""
        if (kind, key) not in self.numbers:
            self.numbers[kind, key] = len(self.entries)
            self.entries.append((kind, value))
        return self.numbers[kind, key]

    def pieces(self) -> list[Piece]:
        """What to write, in an order that :func:`load` can follow."""
        from nb2pipe.runtime.formats import segments

        return segments.pieces(self.entries)


@dataclass(frozen=True, eq=False)
class Alone:
    """An array that shares memory with nothing, whatever the truth in this process."""

    array: Any

    def reduced(self, collected: Collected) -> tuple[Any, ...]:
        """The array, or numpy's own way when it holds objects."""
        if self.array.dtype.hasobject or self.array.dtype.metadata is not None:
            return tuple(self.array.__reduce_ex__(5))
        return entry, (collected.number("alone", id(self), self),)


def reduce_array(array: Any, collected: Collected) -> Any:
    """A NumPy array: its memory is kept apart; one that holds objects is a view of its owner or NumPy's affair."""
    if array.dtype.metadata is not None:
        return None
    if array.dtype.hasobject:
        return _reduce_objects(array)
    return entry, (collected.number("shared", id(array), array),)


def reduce_pandas(obj: Any) -> Any:
    """Blocks, indexes and arrays of pandas, with their memory marked as alone; ``None`` for all else."""
    pandas = sys.modules["pandas"]
    kinds = (
        getattr(sys.modules.get("pandas._libs.internals"), "Block", ()),
        pandas.Index,
        pandas.api.extensions.ExtensionArray,
    )
    if isinstance(obj, type) or not isinstance(obj, kinds) or not _copy_on_write(pandas):
        return None
    reduced = obj.__reduce_ex__(5)
    return _alone(reduced, 3) if isinstance(reduced, tuple) else None


def reduce_buffer(obj: Any, collected: Collected) -> Any:
    """Arrow's memory, which nobody changes, so that it is kept once; ``None`` for all else."""
    if type(obj) is not sys.modules["pyarrow"].Buffer or not obj.is_cpu:
        return None
    return entry, (collected.number("buffer", (obj.address, obj.size), obj),)


def load(specs: list[tuple[Any, ...]], data: memoryview, start: int) -> list[Any]:
    """The arrays and storages of a graph, in the order of their numbers; ``start`` is where the first may lie."""
    from nb2pipe.runtime.formats import segments

    return segments.load(specs, data, start)


@contextmanager
def available(entries: list[Any]) -> Iterator[None]:
    """Let the pickle that is loaded inside find its memory."""
    global _loaded
    before, _loaded = _loaded, entries
    try:
        yield
    finally:
        _loaded = before


def entry(number: int) -> Any:
    """An array or storage of the graph that is being loaded."""
    return _loaded[number]


def _copy_on_write(pandas: Any) -> bool:
    return int(pandas.__version__.partition(".")[0]) >= 3 or bool(pandas.options.mode.copy_on_write)


def _alone(value: Any, depth: int) -> Any:
    """``value`` with every array and text directly in it (in plain containers, ``depth`` deep) marked as alone."""
    numpy = sys.modules["numpy"]
    if type(value) is numpy.ndarray:
        return Alone(value)
    arrow = sys.modules.get("pyarrow")
    if arrow is not None and type(value) is arrow.ChunkedArray and value.type == arrow.large_string():
        return arrow.chunked_array([columns.arrow_text(value)])  # without the rest of a table it was cut out of
    if depth and type(value) is tuple:
        return tuple(_alone(inner, depth - 1) for inner in value)
    if depth and type(value) is dict:
        return {key: _alone(inner, depth - 1) for key, inner in value.items()}
    return value


def _reduce_objects(array: Any) -> Any:
    numpy = sys.modules["numpy"]
    owner = array
    while type(owner.base) is numpy.ndarray:
        owner = owner.base
    if owner is array or owner.dtype != array.dtype or not _one_block(owner):
        return None
    offset = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
    return _object_view, (owner, offset // array.itemsize, array.shape, array.strides)


def _one_block(array: Any) -> bool:
    return bool(array.flags.c_contiguous or array.flags.f_contiguous)


def _object_view(owner: Any, start: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    import numpy as np

    return np.lib.stride_tricks.as_strided(owner.ravel(order="K")[start:], shape, strides)


def dtype_of(array: Any) -> Any:
    """A dtype as plain data: its code, or a pickle when it has fields."""
    return array.dtype.str if array.dtype.names is None and array.dtype.subdtype is None else pickle.dumps(array.dtype)
