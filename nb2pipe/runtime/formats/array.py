"""Plain NumPy arrays as ``.npy``."""

from __future__ import annotations

import io
import sys
from typing import Any

from nb2pipe.runtime import mapping
from nb2pipe.runtime.files import Bytes

NAME = "npy"

_KINDS = "?biufcmMSU"  # bool, ints, floats, complex, times, bytes and text; no objects, no records
_LONGEST_HEADER = 10 + (1 << 16)  # magic, version, length in two bytes, and as much


def can_store(value: Any) -> bool:
    """Whether ``value`` is an array that is the one owner of its C-contiguous, writeable memory."""
    numpy = sys.modules.get("numpy")
    return (
        numpy is not None
        and type(value) is numpy.ndarray
        and value.flags.c_contiguous
        and value.flags.writeable
        and mapping.owns(value)
        and value.dtype.kind in _KINDS
        and value.dtype.metadata is None
        and value.dtype.itemsize > 0
    )


def dump(value: Any) -> list[Bytes]:
    """The header and the array's own memory."""
    import numpy as np

    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(value))
    return [header.getvalue(), memoryview(value.reshape(-1).view(np.uint8))]


def load(data: memoryview) -> Any:
    """An array that owns its memory: a large one the mapped file, a small one a copy."""
    import numpy as np

    stream = io.BytesIO(data[:_LONGEST_HEADER])
    np.lib.format.read_magic(stream)
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    values = data[stream.tell() :]
    array = mapping.array_on(values, dtype, shape)
    return array if mapping.is_large(values) else array.copy()
