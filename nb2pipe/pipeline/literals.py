"""Literals as Python writes them: their values, types, and whether a config file can hold them."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Literal:
    """A literal's value and its type as an annotation."""

    value: Any
    annotation: str

    @property
    def mutable(self) -> bool:
        """Whether each evaluation makes an object that could be changed."""
        return isinstance(self.value, list | dict | set)


def literal_value(node: ast.expr) -> Literal | None:
    """The literal that ``node`` is, when a YAML file can hold it and give it back; ``None`` otherwise."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    annotation = annotation_of(value)
    return Literal(value, annotation) if annotation is not None else None


def annotation_of(value: object) -> str | None:
    """The annotation that tells a config reader how to give back exactly ``value``; ``None`` when there is none."""
    match value:
        case None:
            return "Any"
        case bool():
            return "bool"
        case int():
            return "int" if abs(value) < 2**63 else None
        case float():
            return "float" if math.isfinite(value) else None
        case str():
            return "str" if value.isprintable() or not set(value) - set(_SAFE_CONTROLS) - _printable(value) else None
        case list() | tuple() | set():
            return _sequence(value)
        case dict():
            return _mapping(value)
    return None


_SAFE_CONTROLS = "\n\t"


def _printable(value: str) -> set[str]:
    return {character for character in value if character.isprintable()}


def _sequence(value: list[Any] | tuple[Any, ...] | set[Any]) -> str | None:
    word = type(value).__name__
    inner = [annotation_of(element) for element in value]
    if None in inner:
        return None
    kinds = sorted({str(kind) for kind in inner})
    if isinstance(value, tuple):
        if not value:
            return None
        return f"tuple[{kinds[0]}, ...]" if len(kinds) == 1 else f"tuple[{', '.join(str(kind) for kind in inner)}]"
    if isinstance(value, set) and not value:
        return None
    if len(kinds) == 1:
        return f"{word}[{kinds[0]}]"
    plain = all(kind in ("int", "float", "str", "bool", "Any") for kind in kinds)
    return f"{word}[Any]" if plain or not kinds else None


def _mapping(value: dict[Any, Any]) -> str | None:
    keys = sorted({str(annotation_of(key)) for key in value})
    values = [annotation_of(entry) for entry in value.values()]
    if None in values or len(keys) > 1 or (keys and keys[0] not in ("str", "int")):
        return None
    kinds = sorted({str(kind) for kind in values})
    nested = [kind for kind in kinds if "tuple" in kind or "set[" in kind]
    if len(kinds) > 1 and nested:
        return None
    return f"dict[{keys[0] if keys else 'str'}, {kinds[0] if len(kinds) == 1 else 'Any'}]"
