"""Records as JSON and back: strict JSON, whatever the values; reading needs no more than the dataclasses."""

from __future__ import annotations

import json
import math
import types
import typing
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, Union

from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.files import write_text

T = TypeVar("T")


def to_json(record: Any) -> str:
    """A record as indented JSON; numbers that JSON lacks are the strings ``NaN``, ``Infinity``, ``-Infinity``."""
    return json.dumps(_plain(record), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(kind: type[T], text: str) -> T:
    """The record of type ``kind`` that ``text`` holds; unknown fields are passed over."""
    return typing.cast(T, _build(kind, json.loads(text)))


def write_record(path: Path, record: Any, *, durable: bool = True) -> None:
    """Write a record as JSON, atomically."""
    write_text(path, to_json(record), durable=durable)


def read_record(kind: type[T], path: Path) -> T:
    """Read a record; a file that is none is bad input."""
    try:
        return from_json(kind, path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"{path} cannot be read: {type(error).__name__}: {error}") from error


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _name_of(value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def _name_of(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _build(kind: Any, value: Any) -> Any:
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        return None if value is None else _build(next(a for a in arguments if a is not type(None)), value)
    if origin is tuple:
        return tuple(_build(arguments[0], inner) for inner in value)
    if origin is dict:
        return {key: _build(arguments[1], inner) for key, inner in value.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _build(hints[name], inner) for name, inner in value.items() if name in hints})
    return kind(value)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)
