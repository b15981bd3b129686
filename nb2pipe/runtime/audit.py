"""What Python announces (``sys.addaudithook``), to those who listen. A hook can never be removed, so there is one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

Listener = Callable[[str, tuple[Any, ...]], None]

_listeners: dict[str, list[Listener]] = {}
_hooked = False


def listen(events: frozenset[str], listener: Listener) -> None:
    """Call ``listener(event, arguments)`` for each of ``events`` from now on, in the order of the calls of this."""
    global _hooked
    for event in events:
        _listeners.setdefault(event, []).append(listener)
    if not _hooked:
        _hooked = True
        sys.addaudithook(_heard)


def unlisten(listener: Listener) -> None:
    """Do not call ``listener`` any more."""
    for listeners in _listeners.values():
        if listener in listeners:
            listeners.remove(listener)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _listeners:
        for listener in list(_listeners[event]):
            listener(event, arguments)
