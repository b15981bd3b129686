"""What a stage's result depends on, as names and digests, and the key that they make."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from typing import Any

from nb2pipe.runtime.definition import Stage
from nb2pipe.runtime.files import digest_of
from nb2pipe.runtime.loading import Definition
from nb2pipe.runtime.record import ArtifactRecord

#: Raised when results of an earlier version of nb2pipe must not be used any more.
CACHE_VERSION = "1"
LONGEST_SHOWN = 60


def ingredients_of(
    definition: Definition,
    stage: Stage,
    arguments: Mapping[str, Any],
    artifacts: Mapping[str, ArtifactRecord],
    random_state: str | None,
    libraries: Mapping[str, str],
) -> dict[str, str]:
    """Name -> value or digest of everything but files and variables (see :mod:`nb2pipe.runtime.reads`).

    ``artifacts`` are the stage's inputs by name; ``libraries`` are the versions of those that its code uses.
    """
    code, name = definition.code, stage.name
    found = {
        "nb2pipe": CACHE_VERSION,
        "python": platform.python_version(),
        "code": code.stages.get(name, ""),
        "results": _digest([stage.outputs, stage.saves, stage.shared, stage.metrics, stage.saves_random_state]),
        "gate": definition.schemas.get(name, ""),
        "random state": random_state or "",
    }
    found |= {f"parameter {argument}": shown(value) for argument, value in arguments.items()}
    found |= {f"library {library}": version for library, version in libraries.items()}
    for argument, artifact in [*stage.inputs.items(), *stage.restores.items()]:
        record = artifacts[artifact]
        member = artifact if record.graph else ""
        found[f"input {argument}"] = _digest([record.digest, member, *_references(definition, record)])
    return found


def key_of(ingredients: Mapping[str, str]) -> str:
    """The key under which a result is kept."""
    return _digest(sorted(ingredients.items()))


def shown(value: Any) -> str:
    """A parameter's value as text that differs when the value does; long ones are digests."""
    text = repr(sorted(value, key=repr)) if isinstance(value, (set, frozenset)) else repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN // 2]}… {_digest([text])[:12]}"


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """In words, what has changed from one set of ingredients to the next."""
    names = sorted(name for name in {**before, **now} if before.get(name) != now.get(name))
    return [_difference(name, before.get(name), now.get(name)) for name in names]


def _difference(name: str, before: str | None, now: str | None) -> str:
    kind, _, what = name.partition(" ")
    if kind == "parameter" and before is not None and now is not None:
        return f"{name} changed from {before} to {now}"
    if kind == "library":
        return f"{what} changed from version {before or 'none'} to {now or 'none'}"
    words = {"code": "its code changed", "python": f"Python changed from {before} to {now}", "gate": "its gate changed"}
    if name in words:
        return words[name]
    return f"{name} {'is new' if before is None else 'is gone' if now is None else 'changed'}"


def _references(definition: Definition, record: ArtifactRecord) -> Iterable[str]:
    """Digests of the package's functions and classes that a stored value refers to by name."""
    for reference in record.references:
        module, _, name = reference.partition(":")
        yield definition.code.definitions.get(f"{module}:{name.partition('.')[0]}", reference)


def _digest(parts: Any) -> str:
    return digest_of([json.dumps(parts, ensure_ascii=False, default=list).encode(errors="surrogateescape")])[0]
