"""Segments: overlapping memory once, packed memory alone, storages of torch; as bytes and back."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nb2pipe.runtime import mapping
from nb2pipe.runtime.files import Bytes
from nb2pipe.runtime.formats import tensors
from nb2pipe.runtime.formats.memory import Piece, dtype_of


def pieces(entries: Sequence[tuple[str, Any]]) -> list[Piece]:
    """One piece per array or storage, in order; shared memory goes with the first of those that share it."""
    groups = _overlapping(
        [(number, *_bounds(kind, value)) for number, (kind, value) in enumerate(entries) if _can_share(kind, value)]
    )
    owners = {members[0]: _owner(entries, members, low, high) for members, low, high in groups.values()}
    found = []
    for number, (kind, value) in enumerate(entries):
        members, low, high = groups.get(number, ([number], 0, 0))
        first, own = members[0], members[0] == number
        owner = owners.get(first)
        if kind == "alone":
            found.append(_packed(value.array))
        elif kind == "buffer":
            found.append(Piece(("buffer", value.size), memoryview(value).cast("B")))
        elif owner is not None:
            found.append(_packed(value) if owner == number else _part(value, owner, low))
        elif kind == "storage":
            found.append(_storage(value) if len(members) == 1 else _storage_view(value, first, own, low, high))
        elif len(members) == 1 and not _self_overlapping(value):
            found.append(_packed(value))
        else:
            found.append(_view(value, first, own, low, high))
    return found


def load(specs: list[tuple[Any, ...]], data: memoryview, position: int) -> list[Any]:
    """What :func:`pieces` described: large pieces as views of ``data``, from ``position`` on, others as copies."""
    segments: dict[int, Any] = {}
    found: list[Any] = []
    for number, spec in enumerate(specs):
        if spec[1]:
            position += mapping.padding(position)
        part = data[position : position + spec[1]]
        position += spec[1]
        found.append(None if spec[0] == "part" else _LOADERS[spec[0]](number, spec, part, segments))
    return [_load_part(spec, found[spec[2]]) if spec[0] == "part" else found[n] for n, spec in enumerate(specs)]


def _owner(entries: Sequence[tuple[str, Any]], members: list[int], low: int, high: int) -> int | None:
    """The array that owns the memory of a group, so that the others can be views with it as their base."""
    if len(members) < 2 or any(entries[member][0] != "shared" for member in members):
        return None
    for member in members:
        array = entries[member][1]
        whole = mapping.owns(array) and _bounds("shared", array) == (low, high)
        if whole and (array.flags.c_contiguous or array.flags.f_contiguous):
            return member
    return None


def _can_share(kind: str, value: Any) -> bool:
    return kind == "shared" or (kind == "storage" and value.device.type == "cpu")


def _bounds(kind: str, array: Any) -> tuple[int, int]:
    import numpy as np

    if kind == "storage":
        return tensors.bounds(array)
    module: Any = getattr(np.lib, "array_utils", np)  # NumPy 2 moved it
    low, high = module.byte_bounds(array)
    return (low, high) if array.size else (low, low)


def _overlapping(extents: list[tuple[int, int, int]]) -> dict[int, tuple[list[int], int, int]]:
    """Number -> its group (numbers in order, lowest and highest address); groups share no byte."""
    groups: dict[int, tuple[list[int], int, int]] = {}
    members: list[int] = []
    low = high = 0
    for number, start, end in sorted(extents, key=lambda extent: extent[1:]):
        if members and start < high:
            members.append(number)
            high = max(high, end)
        else:
            members, low, high = [number], start, end
        for member in members if members[-1] == number else ():
            groups[member] = (members, low, high)
    for members, _, _ in groups.values():
        members.sort()
    return groups


def _packed(array: Any) -> Piece:
    """The elements without the gaps; strides are kept unless elements overlap."""
    import numpy as np

    strides = array.strides
    order = sorted(range(array.ndim), key=lambda axis: -abs(strides[axis]))
    packed = array.transpose(order)
    if not packed.flags.c_contiguous:
        packed = np.ascontiguousarray(packed)
    contiguous = array.flags.c_contiguous or array.flags.f_contiguous
    layout = None if contiguous or not array.size or _self_overlapping(array) else strides
    order_letter = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    if layout is None and not contiguous:
        packed = np.ascontiguousarray(array)
    data = _bytes_of(packed)
    spec = ("packed", len(data), dtype_of(array), array.shape, order_letter, layout, array.flags.writeable)
    return Piece(spec, data)


def _load_packed(_number: int, spec: tuple[Any, ...], part: memoryview, _segments: dict[int, Any]) -> Any:
    import numpy as np

    _, _, code, shape, order, strides, writeable = spec
    dtype = _dtype(code)
    if strides is None and mapping.is_large(part):
        array = mapping.array_on(part, dtype, shape, order)
    elif strides is None:
        array = np.empty(shape, dtype, order=order)
        _bytes_of_writeable(array)[:] = np.frombuffer(part, np.uint8)
    else:
        axes = sorted(range(len(shape)), key=lambda axis: -abs(strides[axis]))
        packed = np.frombuffer(part, dtype).reshape([shape[axis] for axis in axes])
        back = sum((n - 1) * -step for n, step in zip(shape, strides, strict=True) if step < 0)
        reach = sum((n - 1) * abs(step) for n, step in zip(shape, strides, strict=True)) + dtype.itemsize
        array = np.ndarray(shape, dtype, np.zeros(reach, np.uint8), back, strides)
        array.transpose(axes)[...] = packed
    array.flags.writeable = writeable
    return array


def _view(array: Any, first: int, own: bool, low: int, high: int) -> Piece:
    """A view of a segment; the first of those that share it brings the bytes."""
    data = _memory(array, low, high) if own else b""
    offset = array.__array_interface__["data"][0] - low
    layout = (dtype_of(array), array.shape, array.strides, offset, array.flags.writeable)
    return Piece(("view", len(data), first, *layout), data)


def _load_view(number: int, spec: tuple[Any, ...], part: memoryview, segments: dict[int, Any]) -> Any:
    import numpy as np

    _, _, first, code, shape, strides, offset, writeable = spec
    array = np.ndarray(shape, _dtype(code), _segment(number, first, part, segments), offset, strides)
    array.flags.writeable = writeable
    return array


def _part(array: Any, owner: int, low: int) -> Piece:
    """A view of an array of the same graph."""
    offset = array.__array_interface__["data"][0] - low
    return Piece(("part", 0, owner, dtype_of(array), array.shape, array.strides, offset, array.flags.writeable), b"")


def _load_part(spec: tuple[Any, ...], owner: Any) -> Any:
    import numpy as np

    _, _, _, code, shape, strides, offset, writeable = spec
    frozen = not owner.flags.writeable
    owner.flags.writeable = True
    array = np.ndarray(shape, _dtype(code), owner.data if owner.size == 0 else owner, offset, strides)
    array.flags.writeable = writeable
    owner.flags.writeable = not frozen
    return array


def _storage(storage: Any) -> Piece:
    return Piece(("storage", storage.nbytes(), str(storage.device)), tensors.data_of(storage))


def _load_storage(_number: int, spec: tuple[Any, ...], part: memoryview, _segments: dict[int, Any]) -> Any:
    return tensors.load_storage(spec[2], part)


def _load_buffer(_number: int, _spec: tuple[Any, ...], part: memoryview, _segments: dict[int, Any]) -> Any:
    import pyarrow as pa

    return pa.py_buffer(part if mapping.is_large(part) else bytes(part))


def _storage_view(storage: Any, first: int, own: bool, low: int, high: int) -> Piece:
    """A storage on memory that arrays share (``torch.from_numpy``)."""
    data = _memory(storage, low, high) if own else b""
    return Piece(("storage view", len(data), first, storage.data_ptr() - low, storage.nbytes()), data)


def _load_storage_view(number: int, spec: tuple[Any, ...], part: memoryview, segments: dict[int, Any]) -> Any:
    _, _, first, offset, size = spec
    return tensors.storage_on(_segment(number, first, part, segments)[offset : offset + size])


_LOADERS = {
    "packed": _load_packed,
    "view": _load_view,
    "storage": _load_storage,
    "buffer": _load_buffer,
    "storage view": _load_storage_view,
}


@dataclass(frozen=True)
class _Span:
    """Memory between two addresses, which stays alive through the array or storage that it was found by."""

    low: int
    high: int
    owner: Any

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {"data": (self.low, True), "shape": (self.high - self.low,), "typestr": "|u1", "version": 3}


def _memory(owner: Any, low: int, high: int) -> Bytes:
    import numpy as np

    span: Any = np.asarray(_Span(low, high, owner))
    return memoryview(span) if high > low else b""


def _segment(number: int, first: int, part: memoryview, segments: dict[int, Any]) -> Any:
    import numpy as np

    if first == number:
        segments[first] = np.frombuffer(part if mapping.is_large(part) else bytearray(part), np.uint8)
    return segments[first]


def _self_overlapping(array: Any) -> bool:
    steps = sorted((abs(step), n) for n, step in zip(array.shape, array.strides, strict=True) if n > 1)
    reach = array.itemsize
    for step, n in steps:
        if step < reach:
            return True
        reach = step * (n - 1) + reach
    return False


def _bytes_of(array: Any) -> memoryview | bytes:
    """The memory of a C-contiguous array."""
    import numpy as np

    if not array.size or not array.itemsize:
        return b""
    return memoryview(array.reshape(-1).view(np.uint8))


def _bytes_of_writeable(array: Any) -> Any:
    import numpy as np

    if not array.size or not array.itemsize:
        return np.empty(0, np.uint8)
    flat = array.reshape(-1) if array.flags.c_contiguous else array.T.reshape(-1)
    return flat.view(np.uint8)


def _dtype(code: Any) -> Any:
    import numpy as np

    return pickle.loads(code) if isinstance(code, bytes) else np.dtype(code)
