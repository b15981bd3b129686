"""Any other value, or several that share objects, as one pickle-5 graph.

What is shared stays shared: objects, and the memory of NumPy arrays and torch storages. Memory lies beside the
pickle (out of band), so large arrays are not copied into it, and lie in the mapped file when they are loaded.

An object of this format: ``MAGIC``, the length of the index, the index (a pickle of plain tuples: where each
piece of memory lies), the pickle, and the memory, each piece aligned.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import sys
from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any, ClassVar

from nb2pipe.runtime import mapping
from nb2pipe.runtime.errors import StorageError
from nb2pipe.runtime.files import Bytes
from nb2pipe.runtime.formats import carried, functions, leftovers, memory, references

NAME = "graph"
MAGIC = b"nb2pipe graph 2\n"


def can_store(value: Any) -> bool:
    """Always worth a try: :func:`dump` says when it is not."""
    del value
    return True


def dump(value: Any) -> list[Bytes]:
    """The value as a graph; raises ``StorageError`` with the reason when it cannot be."""
    return _dumped(value)[0]


def dump_with_references(value: Any) -> tuple[list[Bytes], tuple[str, ...]]:
    """The value as a graph, and the functions and classes of the user's modules in it (``module:qualname``, sorted).

    Those are not in the graph themselves: it names them, and loading takes what the module has by then.
    """
    parts, named = _dumped(value)
    return parts, references.names_of(named)


def _dumped(value: Any) -> tuple[list[Bytes], list[Any]]:
    collected = memory.Collected()
    stream = io.BytesIO()
    named: list[Any] = []
    try:
        _pickler(stream, collected, named).dump(value)
    except StorageError:
        raise
    except Exception as error:
        raise StorageError(_reason(error)) from error
    pieces = collected.pieces()
    index = pickle.dumps(([piece.spec for piece in pieces], stream.tell()), protocol=5)
    head: list[Bytes] = [MAGIC, len(index).to_bytes(8, "little"), index, stream.getvalue()]
    return [*head, *_aligned(sum(len(part) for part in head), (piece.data for piece in pieces))], named


def load(data: memoryview) -> Any:
    """The value; large arrays and storages lie in ``data`` itself."""
    view = memoryview(data)
    start = len(MAGIC) + 8
    if bytes(view[: len(MAGIC)]) != MAGIC:
        raise StorageError("not an object graph of this version of nb2pipe")
    end = start + int.from_bytes(view[len(MAGIC) : start], "little")
    specs, size = pickle.loads(view[start:end])
    with memory.available(memory.load(specs, view, end + size)):
        return _Unpickler(io.BytesIO(view[end : end + size])).load()


def _aligned(position: int, pieces: Iterable[Bytes]) -> Iterator[Bytes]:
    """The pieces, each behind the zeros that bring it to an aligned place."""
    for piece in pieces:
        if gap := mapping.padding(position) if len(piece) else 0:
            yield bytes(gap)
        yield piece
        position += gap + len(piece)


class _Unpickler(pickle.Unpickler):
    """Gives every NaN of the graph back as one object where it was one: `in` and `index` find a NaN by identity."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.nans: dict[int, float] = {}

    def persistent_load(self, pid: Any) -> Any:
        if pid == "math":
            return math.nan
        if pid == "numpy":
            import numpy as np

            return np.nan
        number, bits = pid
        if number not in self.nans:
            (self.nans[number],) = struct.unpack("<d", bits)
        return self.nans[number]


def _nan_name(nan: float, known: dict[int, tuple[int, float]]) -> Any:
    """``math.nan`` and ``numpy.nan`` by their names, any other by a number within the graph."""
    if nan is math.nan:
        return "math"
    if nan is getattr(sys.modules.get("numpy"), "nan", None):
        return "numpy"
    number, _ = known.setdefault(id(nan), (len(known), nan))  # kept alive, so that no other object takes its id
    return number, struct.pack("<d", nan)


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__


def _pickler(stream: io.BytesIO, collected: memory.Collected, named: list[Any]) -> Any:
    """A pickler that keeps memory apart. Functions and classes of modules go by reference, local ones by value.

    What goes by reference is added to ``named``.
    """
    import cloudpickle

    nans: dict[int, tuple[int, float]] = {}

    class GraphPickler(cloudpickle.Pickler):  # type: ignore[misc]
        # cloudpickle stores copies of these, which are detached from what they belong to: refuse instead.
        dispatch_table: ClassVar[dict[Any, Any]] = {
            kind: reducer
            for kind, reducer in cloudpickle.Pickler.dispatch_table.items()
            if kind not in (io.TextIOWrapper, memoryview, *memory.VIEWS)
        }

        def persistent_id(self, obj: Any) -> Any:
            return _nan_name(obj, nans) if type(obj) is float and obj != obj else None

        def reducer_override(self, obj: Any) -> Any:
            _refuse_detached(obj)
            reduced = _reduced(obj, collected)
            if reduced is not None:
                by_name = reduced[0] is functions.attribute
            else:
                reduced = super().reducer_override(obj)
                by_name = reduced is NotImplemented
            if by_name and isinstance(obj, references.CODE):  # once for each: pickle remembers what it has met
                named.append(obj)
            return reduced

    return GraphPickler(stream, protocol=5)


def _refuse_detached(obj: Any) -> None:
    """A function made in a stage sees the stage's variables change; a stored copy of it would not."""
    if not isinstance(obj, FunctionType) or ".stages." not in (obj.__module__ or ""):
        return
    stage = getattr(sys.modules.get(obj.__module__), obj.__module__.rpartition(".")[2], None)
    variables = getattr(getattr(stage, "__code__", None), "co_cellvars", ())
    seen = [name for name in obj.__code__.co_freevars if name in variables and name != "__class__"]
    if seen:
        names = ", ".join(f"`{name}`" for name in seen)
        raise StorageError(f"the function {obj.__name__} in it reads {names} of its stage")


def _reduced(obj: Any, collected: memory.Collected) -> Any:
    """How ``obj`` is taken apart, or ``None`` when pickle does it well."""
    if type(obj) is memory.Alone:
        return obj.reduced(collected)
    if (module := carried.reduce(obj)) is not None:
        return module
    if (function := functions.reduce(obj)) is not None:
        return function
    if (leftover := leftovers.reduce(obj)) is not None:
        return leftover
    numpy = sys.modules.get("numpy")
    if numpy is not None and type(obj) is numpy.ndarray:
        return memory.reduce_array(obj, collected)
    if "pandas" in sys.modules and (reduced := memory.reduce_pandas(obj)) is not None:
        return reduced
    if "pyarrow" in sys.modules and (reduced := memory.reduce_buffer(obj, collected)) is not None:
        return reduced
    if "torch" in sys.modules:
        from nb2pipe.runtime.formats import tensors

        return tensors.reduce(obj, collected)
    return None
