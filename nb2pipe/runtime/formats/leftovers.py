"""What blocks leave behind: exceptions that were caught, files that were closed.

Python's own way to pickle an exception calls its class again with ``args``, which fails for a class that takes other
arguments; and it cannot pickle a file at all, not even one that is closed and only remembers its name.
"""

from __future__ import annotations

import io
from typing import Any, cast


def reduce(obj: Any) -> Any:
    """How ``obj`` is taken apart; ``None`` for all that is not a leftover."""
    if isinstance(obj, BaseException) and type(obj).__reduce__ is BaseException.__reduce__:
        state = (obj.__dict__, obj.__cause__, obj.__context__, obj.__suppress_context__)
        return _new_exception, (type(obj), obj.args), state, None, None, _set_exception
    if type(obj) is io.TextIOWrapper and obj.closed:
        return _closed_file, (obj.name, getattr(obj, "mode", "r"), obj.encoding)
    return None


def _new_exception(cls: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    return cls.__new__(cls, *args)


def _set_exception(exception: BaseException, state: tuple[Any, ...]) -> None:
    attributes, cause, context, suppress = state
    exception.__dict__.update(attributes)
    exception.__cause__, exception.__context__ = cause, context
    exception.__suppress_context__ = suppress


class _Remembered(io.BytesIO):
    """A buffer with the name that a file had."""

    def __init__(self, name: Any) -> None:
        super().__init__()
        self.name = name


def _closed_file(name: Any, mode: str, encoding: str) -> io.TextIOWrapper:
    file: Any = io.TextIOWrapper(_Remembered(name), encoding=encoding)
    file.mode = mode
    file.close()
    return cast(io.TextIOWrapper, file)
