"""Files as memory that can be written to: what is written stays in this process, the file never changes."""

from __future__ import annotations

import mmap
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

LARGE = 1 << 20  # from this size on, pages are mapped instead of copied: below, a copy costs less than a mapping
ALIGNMENT = 64  # of large pieces within a file, so that mapped memory is aligned as NumPy and torch align theirs


class Mapped(mmap.mmap):
    """The pages of a file; a class of its own tells :func:`owns` that nobody else looks at the memory."""


class Copied(bytearray):
    """The bytes of a file that was read."""


def mapped(path: Path) -> memoryview:
    """A writeable view of a file, private to its one user; it lives as long as anything refers to it."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size >= LARGE:
            with suppress(OSError, ValueError):  # some file systems cannot map
                return memoryview(Mapped(file.fileno(), 0, access=mmap.ACCESS_COPY))
        data = Copied(size)
        read = file.readinto(data)
    return memoryview(data)[:read]


def owns(array: Any) -> bool:
    """Whether a NumPy array is the one owner of its memory: allocated for it, or mapped for it by a format.

    A view of such an array has the array as its base, never the mapping.
    """
    return bool(array.flags.owndata) or isinstance(array.base, Mapped | Copied)


def array_on(part: memoryview, dtype: Any, shape: tuple[int, ...], order: Any = "C") -> Any:
    """A NumPy array on the start of ``part``, without a copy; it counts as the owner of that memory."""
    import numpy as np

    return np.ndarray(shape, dtype, part, order=order)


def is_large(part: memoryview) -> bool:
    """Whether ``part`` is worth a view instead of a copy."""
    return part.nbytes >= LARGE and not part.readonly


def padding(position: int) -> int:
    """How many bytes bring ``position`` to the next aligned one."""
    return -position % ALIGNMENT
