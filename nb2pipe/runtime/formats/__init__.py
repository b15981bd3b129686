"""Store formats: how a value becomes bytes and the same value again.

A format is a module with ``NAME``, ``can_store(value) -> bool``, ``dump(value) -> list of bytes`` and
``load(view) -> value``. The first that can store a value does; :mod:`graph` comes last and tries everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from nb2pipe.runtime.files import Bytes
from nb2pipe.runtime.formats import array, graph, safetensors_file, table


class Format(Protocol):
    """What each module of this package is."""

    NAME: str

    def can_store(self, value: Any) -> bool:
        """Whether reading gives back exactly ``value``."""

    def dump(self, value: Any) -> Sequence[Bytes]:
        """The value as bytes, in parts."""

    def load(self, data: memoryview) -> Any:
        """The value, writeable where it was.

        ``data`` is a writeable view that belongs to the value alone (:func:`nb2pipe.runtime.mapping.mapped`): the
        value may keep it, or parts of it, as its own memory. Storing the value again gives the same bytes.
        """


FORMATS: tuple[Format, ...] = (table, array, safetensors_file, graph)


def format_for(value: Any) -> Format:
    """The first format that can store ``value``."""
    return next(format_ for format_ in FORMATS if format_.can_store(value))


def format_named(name: str) -> Format:
    """The format called ``name``; ``KeyError`` when there is none."""
    return {format_.NAME: format_ for format_ in FORMATS}[name]
