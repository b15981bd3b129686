"""How a table lies in memory: which columns share a block, in which order; labels of rows and columns."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from nb2pipe.runtime.formats.columns import Spec, spec_of


@dataclass(frozen=True)
class Block:
    """Columns of one type that share an array."""

    places: tuple[int, ...]  # the columns of the table, in the order of the array's rows
    spec: Spec
    values: Any = None  # while writing


def blocks_of(frame: Any) -> tuple[Block, ...] | None:
    """The blocks of a table in pandas' order; ``None`` when one of them would come back otherwise."""
    found = []
    for block in getattr(getattr(frame, "_mgr", None), "blocks", ()):
        spec = spec_of(sys.modules["pandas"], block.values)
        if spec is None or not len(block.mgr_locs):
            return None
        found.append(Block(tuple(block.mgr_locs.as_array.tolist()), spec, block.values))
    return tuple(found)


def index_spec(pandas: Any, index: Any) -> Spec | None:
    """What :func:`index_of` must know of the labels of the rows; ``None`` when they would come back otherwise."""
    if not (index.name is None or type(index.name) is str):
        return None
    if type(index) is pandas.RangeIndex:
        return {"name": index.name, "range": [index.start, index.stop, index.step]}
    times = type(index) in (pandas.DatetimeIndex, pandas.TimedeltaIndex)
    if not times and type(index) is not pandas.Index:
        return None
    if times and index.freq is not None:
        return None
    spec = spec_of(pandas, index._data)
    return None if spec is None else {"name": index.name, **spec}


def index_of(pandas: Any, spec: Spec, values: Any) -> Any:
    """The labels of the rows again; ``values`` are those that are no range."""
    if "range" in spec:
        return pandas.RangeIndex(*spec["range"], name=spec["name"])
    return pandas.Index(values, name=spec["name"], copy=False)


def labels_spec(pandas: Any, columns: Any) -> Spec | None:
    """The labels of the columns, all of them as JSON; ``None`` when they would come back otherwise."""
    if not (columns.name is None or type(columns.name) is str):
        return None
    if type(columns) is pandas.RangeIndex:
        return {"name": columns.name, "range": [columns.start, columns.stop, columns.step]}
    if type(columns) is not pandas.Index:
        return None
    labels = columns.tolist()
    kind, types = str(columns.dtype), {type(label) for label in labels}
    if (kind, types) not in (("int64", {int}), ("str", {str}), ("object", {str})):
        return None
    if pandas.Index(labels, dtype=kind).dtype != columns.dtype:
        return None
    return {"name": columns.name, "dtype": kind, "labels": labels}


def labels_of(pandas: Any, spec: Spec) -> Any:
    """The labels of the columns again."""
    if "range" in spec:
        return index_of(pandas, spec, None)
    return pandas.Index(spec["labels"], dtype=spec["dtype"], name=spec["name"])


def frame_of(blocks: Sequence[Block], index: Any, columns: Any) -> Any:
    """A table of exactly these blocks, on their memory."""
    import numpy as np

    arrays = [(block.values, np.array(block.places, np.intp)) for block in blocks]
    try:
        public: Any = import_module("pandas.api.internals")
    except ImportError:  # pandas 2
        return _frame_of_pandas_2(arrays, index, columns)
    return public.create_dataframe_from_blocks(arrays, index, columns)


def _frame_of_pandas_2(arrays: list[tuple[Any, Any]], index: Any, columns: Any) -> Any:
    pandas: Any = import_module("pandas")
    internals: Any = import_module("pandas.core.internals.api")
    managers: Any = import_module("pandas.core.internals.managers")
    blocks = tuple(internals.make_block(values, places, ndim=2) for values, places in arrays)
    manager = managers.BlockManager(blocks, [columns, index])
    return pandas.DataFrame._from_mgr(manager, manager.axes)
