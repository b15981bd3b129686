"""Variables that functions of several stages share: into the package's ``helpers`` before a stage, out of it after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from nb2pipe.runtime.definition import Absence


def restore(namespace: ModuleType | None, values: Mapping[str, Any]) -> None:
    """Binds the variables as the stage before left them; one that it left unbound is unbound."""
    for name, value in values.items():
        if value is Absence.UNBOUND:
            vars(namespace).pop(name, None)
        else:
            setattr(namespace, name, value)


def save(namespace: ModuleType | None, names: Iterable[str]) -> dict[str, Any]:
    """The variables as they are now."""
    return {name: vars(namespace).get(name, Absence.UNBOUND) for name in names}
