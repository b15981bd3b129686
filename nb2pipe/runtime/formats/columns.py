"""Columns of tables as Arrow arrays on the same memory, and back as views of a file."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nb2pipe.runtime.mapping import array_on

Spec = dict[str, Any]  # what JSON keeps of the memory behind a block or an index

_UNITS = ("s", "ms", "us", "ns")  # those that pandas has
_TEXT = "str"


def spec_of(pandas: Any, values: Any) -> Spec | None:
    """What :func:`restored` must know of the memory of a block or index; ``None`` when it would come back otherwise."""
    if _is_text(pandas, values):
        return {"dtype": _TEXT}
    array = values
    zone: Spec | None = {}
    if type(values) in (pandas.arrays.DatetimeArray, pandas.arrays.TimedeltaArray):
        if getattr(values, "_freq", None) is not None or getattr(values, "_readonly", False):
            return None
        array = values._ndarray
        zone = _zone_spec(values.dtype.tz) if isinstance(values.dtype, pandas.DatetimeTZDtype) else {}
    if zone is None or not _is_plain(pandas, array):
        return None
    return {"dtype": array.dtype.str, "writeable": bool(array.flags.writeable), **zone}


def arrow_arrays(values: Any, spec: Spec) -> list[Any]:
    """One Arrow array for each column of a block (or one for an index), on the block's own memory."""
    if spec["dtype"] == _TEXT:
        return [arrow_text(values._pa_array)]
    array = getattr(values, "_ndarray", values)
    rows = array.reshape(1, -1) if array.ndim == 1 else array
    return [_arrow_numbers(row, "UTC" if spec.get("utc") else spec.get("zone")) for row in rows]


def restored(pandas: Any, spec: Spec, columns: Sequence[Any], file: File, ndim: int) -> Any:
    """The memory of a block (``ndim`` 2) or an index, from the Arrow arrays that were read."""
    if spec["dtype"] == _TEXT:
        import pyarrow as pa

        dtype = pandas.StringDtype("pyarrow", na_value=float("nan"))
        return dtype.__from_arrow__(pa.chunked_array(list(columns)))
    import numpy as np

    array = file.numbers(columns, np.dtype(spec["dtype"]))
    array = array if ndim == 2 else array[0]
    array.flags.writeable = spec["writeable"]
    if array.dtype.kind == "M":
        unit = np.datetime_data(array.dtype)[0]
        zone = _zone_of(spec)
        dtype = array.dtype if zone is None else pandas.DatetimeTZDtype(unit, zone)
        return pandas.arrays.DatetimeArray._simple_new(array, dtype=dtype)
    if array.dtype.kind == "m":
        return pandas.arrays.TimedeltaArray._simple_new(array, dtype=array.dtype)
    return array


@dataclass(frozen=True)
class File:
    """The bytes that Arrow arrays were read from, to find their memory in."""

    data: memoryview

    @cached_property
    def buffer(self) -> Any:
        """The bytes as Arrow sees them."""
        import pyarrow as pa

        return pa.py_buffer(self.data)

    def numbers(self, columns: Sequence[Any], dtype: Any) -> Any:
        """The columns of one block as one array: a view where they follow each other without a gap, else a copy."""
        import numpy as np

        shape = (len(columns), len(columns[0]))
        if not shape[1]:
            return np.empty(shape, dtype)
        starts = [column.buffers()[1].address - self.buffer.address for column in columns]
        length = shape[1] * dtype.itemsize
        if starts == [starts[0] + number * length for number in range(len(starts))]:
            return array_on(self.data[starts[0] :], dtype, shape)
        array = np.empty(shape, dtype)
        for row, start in zip(array, starts, strict=True):
            row[:] = array_on(self.data[start:], dtype, shape[1:])
        return array


def _is_text(pandas: Any, values: Any) -> bool:
    """Whether this is pandas 3's own text, kept by Arrow."""
    dtype = values.dtype
    if not isinstance(dtype, pandas.StringDtype) or dtype.storage != "pyarrow":
        return False
    return (
        isinstance(getattr(dtype, "na_value", None), float)
        and type(values) is dtype.construct_array_type()
        and str(values._pa_array.type) == "large_string"
        and not getattr(values, "_readonly", False)
    )


def _is_plain(pandas: Any, array: Any) -> bool:
    import numpy as np

    if type(array) is not np.ndarray or not (array.flags.c_contiguous or _is_cut_out(pandas, array)):
        return False
    dtype = array.dtype
    if not dtype.isnative or dtype.metadata is not None:
        return False
    if dtype.kind in "Mm":
        unit, count = np.datetime_data(dtype)
        return unit in _UNITS and count == 1
    return dtype.kind in "biu" or (dtype.kind == "f" and dtype.itemsize <= 8)


def _is_cut_out(pandas: Any, array: Any) -> bool:
    """Whether a block is some rows of a larger table: pandas 3 itself brings it together when it is pickled."""
    own = int(pandas.__version__.partition(".")[0]) >= 3 and array.ndim == 2
    return own and array.strides[1] == array.itemsize and array.strides[0] >= array.shape[1] * array.itemsize > 0


def _zone_spec(zone: Any) -> Spec | None:
    """A time zone by its name, if that gives the same object back."""
    if zone is datetime.UTC:
        return {"utc": True}
    if type(zone) is zoneinfo.ZoneInfo and zone.key:
        with suppress(OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
            return {"zone": zone.key} if zone is zoneinfo.ZoneInfo(zone.key) else None
    return None


def _zone_of(spec: Spec) -> datetime.tzinfo | None:
    if spec.get("utc"):
        return datetime.UTC
    return zoneinfo.ZoneInfo(spec["zone"]) if "zone" in spec else None


def _arrow_numbers(row: Any, zone: str | None) -> Any:
    import numpy as np
    import pyarrow as pa

    kind = row.dtype.kind
    valid = None
    if kind == "b":
        type_ = pa.uint8()  # Arrow's own has eight to a byte
    elif kind in "Mm":
        unit = np.datetime_data(row.dtype)[0]
        type_ = pa.duration(unit) if kind == "m" else pa.timestamp(unit, zone)
        valid = ~np.isnat(row)  # for other readers: here the values themselves say so
    else:
        type_ = pa.from_numpy_dtype(row.dtype)
    return pa.Array.from_buffers(type_, len(row), [_bits(valid), pa.py_buffer(row.view(np.uint8))])


def arrow_text(chunked: Any) -> Any:
    """Text in one piece, without what lies before, behind and between it: equal text gives equal bytes."""
    import numpy as np
    import pyarrow as pa

    array = (
        chunked.chunk(0)
        if chunked.num_chunks == 1
        else pa.concat_arrays(chunked.chunks or [pa.array([], chunked.type)])
    )
    length = len(array)
    _, offsets, data = array.buffers()
    ends = np.zeros(1, np.int64)
    if length:
        ends = np.frombuffer(offsets, np.int64)[array.offset : array.offset + length + 1]
    first, last = int(ends[0]), int(ends[-1])
    ends = ends - first if first else ends
    text = pa.py_buffer(b"") if data is None else data.slice(first, last - first)
    valid = array.is_valid().to_numpy(zero_copy_only=False) if array.null_count else None
    return pa.Array.from_buffers(array.type, length, [_bits(valid), pa.py_buffer(ends), text])


def _bits(valid: Any) -> Any:
    """Arrow's bits for the rows that have a value; ``None`` when all have."""
    import numpy as np
    import pyarrow as pa

    return None if valid is None or valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
