"""Config values against the annotations of the stage functions' keyword arguments."""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from nb2pipe.runtime.definition import Signature, Stage
from nb2pipe.runtime.errors import RunError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_WORDS = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
    type(None): "null",
}


def annotations_of(stage: Stage) -> dict[str, Any]:
    """Argument -> annotation; ``Any`` where there is none or it cannot be resolved."""
    if isinstance(stage.function, Signature):
        return dict(stage.function.annotations)
    try:
        return typing.get_type_hints(stage.function)
    except Exception:  # one name that only type checkers know: resolve the others one by one
        pass
    found: dict[str, Any] = {}
    for name, parameter in inspect.signature(stage.function).parameters.items():
        annotation = parameter.annotation
        try:
            namespace = getattr(stage.function, "__globals__", {})
            found[name] = eval(annotation, namespace) if isinstance(annotation, str) else annotation
        except Exception:
            found[name] = Any
    return {name: Any if hint is inspect.Parameter.empty else hint for name, hint in found.items()}


def checked(values: Iterable[Any], annotation: Any, where: str) -> Any:
    """The first of ``values`` (readings of one text) that fits ``annotation``, as a value of it.

    As YAML has no paths, tuples or sets, text is a path and a list is a tuple where that is asked for; but text
    is no number, a number no truth value, and 3.5 no whole number.
    """
    adapter = _adapter(annotation)
    readings = list(values)
    if adapter is None:
        return readings[0]
    reason = ""
    for value in readings:
        try:
            return _strictly(adapter, value)
        except _NotThat as error:
            reason = reason or str(error)
    raise RunError(f"{where}: expected {expected(annotation)}, got {_shown(readings[0])}{reason}")


def expected(annotation: Any) -> str:
    """What an annotation asks for, in words when there are some."""
    if annotation in _WORDS:
        return f"{_WORDS[annotation]} ({annotation.__name__})" if annotation is not type(None) else "null"
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "").replace("pathlib.", "")


class _NotThat(Exception):
    """A reading does not fit."""


def _strictly(adapter: TypeAdapter[Any], value: Any) -> Any:
    from pydantic import ValidationError

    try:
        return adapter.validate_python(value, strict=True)
    except ValidationError:
        pass
    try:
        return adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise _NotThat(f" ({place}: {first['msg']})" if place else f" ({first['msg']})") from None


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    try:
        return TypeAdapter(annotation)
    except (PydanticUserError, TypeError, NameError):
        return None


def _shown(value: Any) -> str:
    text = repr(value)
    text = text if len(text) <= 80 else text[:79] + "…"
    return text if isinstance(value, str) else f"{text} ({type(value).__name__})"
