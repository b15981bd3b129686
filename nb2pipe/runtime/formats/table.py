"""Plain tables as Arrow files: only those that come back exactly as they were, down to the layout in memory.

The file holds the memory of the columns as it is, so writing copies nothing and a loaded table lies in the mapped
file. What is not plain (categories, objects, levels of labels, attributes) is left to
:mod:`nb2pipe.runtime.formats.graph`.
"""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from typing import Any

from nb2pipe.runtime.errors import StorageError
from nb2pipe.runtime.files import Bytes
from nb2pipe.runtime.formats.columns import File, arrow_arrays, restored
from nb2pipe.runtime.formats.layout import (
    Block,
    blocks_of,
    frame_of,
    index_of,
    index_spec,
    labels_of,
    labels_spec,
)

NAME = "arrow"

_KEY = b"nb2pipe.table"  # in the metadata of the file: how the table lies in memory
_VERSION = 1
_MOST_COLUMNS = 4096  # Arrow describes each column on its own: a graph is faster for more


def can_store(value: Any) -> bool:
    """Whether ``value`` is a table that the file gives back unchanged."""
    pandas = sys.modules.get("pandas")
    return (
        pandas is not None
        and type(value) is pandas.DataFrame
        and 0 < len(value.columns) <= _MOST_COLUMNS
        and not value.attrs
        and value.flags.allows_duplicate_labels
        and index_spec(pandas, value.index) is not None
        and labels_spec(pandas, value.columns) is not None
        and bool(blocks_of(value))
    )


def dump(value: Any) -> list[Bytes]:
    """One Arrow file, whose large parts are the columns' own memory."""
    import pandas
    import pyarrow as pa

    blocks, index, labels = blocks_of(value), index_spec(pandas, value.index), labels_spec(pandas, value.columns)
    if blocks is None or index is None or labels is None:
        raise StorageError("not a plain table")
    fields: list[tuple[str, Any]] = []
    for block in _in_file(blocks):
        names = [_readable(value.columns[place]) for place in block.places]
        fields += zip(names, arrow_arrays(block.values, block.spec), strict=True)
    if "range" not in index:
        fields += [(_readable(index["name"] or "index"), *arrow_arrays(value.index._data, index))]
    described = {
        "version": _VERSION,
        "columns": labels,
        "index": index,
        "blocks": [{"places": block.places, **block.spec} for block in blocks],
    }
    schema = pa.schema(
        [pa.field(name, array.type) for name, array in fields],
        {_KEY: json.dumps(described, sort_keys=True, separators=(",", ":")).encode()},
    )
    batch = pa.RecordBatch.from_arrays([array for _, array in fields], schema=schema)
    sink = _Parts()
    with pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(batch)
    return sink.parts


def load(data: memoryview) -> Any:
    """The table, its columns in ``data`` itself."""
    import pandas
    import pyarrow as pa

    file = File(data)
    reader = pa.ipc.open_file(pa.BufferReader(file.buffer))
    described = json.loads(reader.schema.metadata[_KEY])
    if described["version"] != _VERSION:
        raise StorageError("not a table of this version of nb2pipe")
    blocks = [Block(tuple(found.pop("places")), found) for found in described["blocks"]]
    columns = reader.get_batch(0).columns
    values: dict[tuple[int, ...], Any] = {}
    start = 0
    for block in _in_file(blocks):
        end = start + len(block.places)
        values[block.places] = restored(pandas, block.spec, columns[start:end], file, ndim=2)
        start = end
    index = described["index"]
    labels = None if "range" in index else restored(pandas, index, columns[start:], file, ndim=1)
    filled = [replace(block, values=values[block.places]) for block in blocks]
    return frame_of(filled, index_of(pandas, index, labels), labels_of(pandas, described["columns"]))


class _Parts(io.RawIOBase):
    """A file that keeps what Arrow writes: memory of columns as it is, not copies."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        view = memoryview(part).cast("B")
        self.parts.append(view)
        return view.nbytes


def _in_file(blocks: Any) -> list[Block]:
    """Blocks in the order of the table's columns; the columns of one block lie together."""
    return sorted(blocks, key=lambda block: block.places[0])


def _readable(label: Any) -> str:
    """A label for other readers of the file, which want Unicode."""
    return str(label).encode("utf-8", errors="backslashreplace").decode()
