"""A value through its format as from one process to another, and whether it is exactly the same then."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nb2pipe.runtime.files import Bytes, digest_of
from nb2pipe.runtime.formats import format_for, graph
from nb2pipe.runtime.mapping import mapped


def mapping_of(parts: Iterable[Bytes]) -> memoryview:
    """What a format wrote, as it gets it back: a file that was mapped or read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "object"
        path.write_bytes(b"".join(bytes(part) for part in parts))
        return mapped(path)


def crossed(value: Any) -> tuple[str, Any]:
    """The format and what it gives back; stored again, that gives the same bytes (a graph: only mostly)."""
    form = format_for(value)
    parts = form.dump(value)
    found = form.load(mapping_of(parts))
    assert form is graph or (format_for(found), digest_of(form.dump(found))) == (form, digest_of(parts))
    return form.NAME, found


def assert_same_frame(found: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Equal to the last bit, in the same layout."""
    pd.testing.assert_frame_equal(found, frame, check_exact=True, check_freq=True, check_flags=True)
    assert type(found) is type(frame)
    assert found.attrs == frame.attrs
    for axis, other in zip(found.axes, frame.axes, strict=True):
        assert (type(axis), axis.dtype, axis.names) == (type(other), other.dtype, other.names)
        assert [type(label) for label in axis.tolist()[:100]] == [type(label) for label in other.tolist()[:100]]
    assert [layout(block) for block in found._mgr.blocks] == [layout(block) for block in frame._mgr.blocks]
    memory = [array for block in found._mgr.blocks if (array := memory_of(block.values)) is not None]
    assert not any(np.shares_memory(array, other) for n, array in enumerate(memory) for other in memory[:n])


def layout(block: Any) -> tuple[Any, ...]:
    """Everything about a block."""
    array = memory_of(block.values)
    known = (type(block), type(block.values), block.mgr_locs.as_array.tolist(), str(block.dtype), block.shape)
    if array is None:
        return known
    strides = (
        [] if not array.size else [step for step, length in zip(array.strides, array.shape, strict=True) if length > 1]
    )
    content = array.tolist() if array.dtype.hasobject else array.tobytes()
    contiguous = (array.flags.c_contiguous, array.flags.f_contiguous)
    return (*known, array.dtype, strides, contiguous, array.flags.writeable, array.flags.aligned, content)


def memory_of(values: Any) -> Any:
    """The NumPy array behind a block, or ``None``."""
    array = getattr(values, "_ndarray", values)
    return array if isinstance(array, np.ndarray) else None
