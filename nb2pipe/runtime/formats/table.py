"""Plain tables as Parquet: only those that come back exactly as they were, down to the layout in memory.

What is not plain (another index, categories, objects, labels that are not text, attributes) is left to
:mod:`nb2pipe.runtime.formats.graph`.
"""

from __future__ import annotations

import sys
from typing import Any

from nb2pipe.runtime.files import Bytes

NAME = "parquet"

_NUMPY_DTYPES = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 datetime64[ns] datetime64[us]".split()
)
_SPLIT = b"nb2pipe.split"  # whether each column has memory of its own; else columns of a dtype share a block


def can_store(value: Any) -> bool:
    """Whether ``value`` is a table that Parquet gives back unchanged."""
    pandas = sys.modules.get("pandas")
    if pandas is None or type(value) is not pandas.DataFrame:
        return False
    index, columns = value.index, value.columns
    return (
        type(index) is pandas.RangeIndex
        and (index.start, index.stop, index.step, index.name) == (0, len(value), 1, None)
        and not value.attrs
        and value.flags.allows_duplicate_labels
        and type(columns) is pandas.Index
        and columns.name is None
        and len(columns) > 0
        and columns.is_unique
        and all(type(label) is str and label.isprintable() for label in columns)
        and columns.dtype == pandas.Index(["a"]).dtype
        and all(_plain(pandas, dtype) for dtype in value.dtypes)
        and _is_split(value) is not None
    )


def dump(value: Any) -> list[Bytes]:
    """One Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = [_to_arrow(pa, value.iloc[:, position]) for position in range(len(value.columns))]
    table = pa.Table.from_arrays(arrays, names=list(value.columns))
    table = table.replace_schema_metadata({_SPLIT: b"1" if _is_split(value) else b"0"})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return [memoryview(sink.getvalue())]


def load(data: bytes) -> Any:
    """The table, in memory of its own."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(data))
    columns = {name: _from_arrow(pd, column) for name, column in zip(table.column_names, table.columns, strict=True)}
    frame = pd.DataFrame(columns, copy=False)
    return frame if table.schema.metadata[_SPLIT] == b"1" else frame.copy()  # a deep copy brings columns together


def _plain(pandas: Any, dtype: Any) -> bool:
    if str(dtype) in _NUMPY_DTYPES:
        return bool(dtype.isnative) if hasattr(dtype, "isnative") else False
    return _is_text(pandas, dtype)


def _is_text(pandas: Any, dtype: Any) -> bool:
    """Whether this is pandas 3's own text type, kept by Arrow."""
    return (
        isinstance(dtype, pandas.StringDtype)
        and dtype.storage == "pyarrow"
        and isinstance(getattr(dtype, "na_value", None), float)
    )


def _is_split(value: Any) -> bool | None:
    """Whether each column has a block of its own; ``None`` when the layout is neither that nor the joined one."""
    blocks = getattr(getattr(value, "_mgr", None), "blocks", None)
    if blocks is None:
        return None
    memory = [(block, getattr(block.values, "_ndarray", block.values)) for block in blocks]
    numpy_blocks = [(block, array) for block, array in memory if hasattr(array, "flags")]
    if not all(array.flags.c_contiguous and array.flags.writeable for _, array in numpy_blocks):
        return None
    if len(blocks) == len(value.columns):
        return True
    joined = len(numpy_blocks) == len({array.dtype for _, array in numpy_blocks})
    in_order = all(list(block.mgr_locs) == sorted(block.mgr_locs) for block, _ in numpy_blocks)
    return False if joined and in_order else None


def _to_arrow(pa: Any, column: Any) -> Any:
    if hasattr(column.dtype, "isnative"):
        return pa.array(column.to_numpy(), from_pandas=False)
    return column.array.__arrow_array__()


def _from_arrow(pandas: Any, column: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    if pa.types.is_large_string(column.type) or pa.types.is_string(column.type):
        return pandas.StringDtype("pyarrow", na_value=np.nan).__from_arrow__(column)
    return np.array(column.to_numpy())  # a copy: Arrow's own memory is read-only
