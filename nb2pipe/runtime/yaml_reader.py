"""YAML 1.2 with the line of every value: ``1e-3`` is a float, ``no`` and ``2024-01-01`` are text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nb2pipe.runtime.errors import RunError

if TYPE_CHECKING:
    from ruamel.yaml import YAML

MOST_BYTES = 4 << 20
_MAPPING = "tag:yaml.org,2002:map"


@dataclass(frozen=True)
class Node:
    """A value of a YAML file that is not read yet."""

    raw: Any
    file: str
    line: int

    @property
    def origin(self) -> str:
        """``file:line``."""
        return f"{self.file}:{self.line}"

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return hasattr(self.raw, "value") and str(self.raw.tag) == _MAPPING

    @property
    def is_null(self) -> bool:
        """Whether nothing is written there."""
        return str(self.raw.tag) == "tag:yaml.org,2002:null"

    def items(self) -> Iterator[tuple[str, Node]]:
        """Keys and values of a mapping; merge keys (``<<``) are resolved, a key given twice is an error."""
        yaml = _yaml()
        with _located(self.file):
            yaml.constructor.flatten_mapping(self.raw)
        seen: dict[str, int] = {}
        for key, value in self.raw.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                raise RunError(f"{self.file}:{line}: {name} is given twice, first in line {seen[name]}")
            seen[name] = line
            yield name, Node(value, self.file, line)

    def value(self) -> Any:
        """The value itself: plain Python objects only."""
        with _located(self.file):
            return _yaml().constructor.construct_document(self.raw)


def read_yaml(path: Path, shown: str) -> Node | None:
    """The content of a YAML file, ``None`` when it is empty; ``shown`` names it in messages."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RunError(f"{shown}: too large for a config")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RunError(f"{shown}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{shown}: cannot be read: {error}") from error
    return _compose(text, shown)


def parse_value(text: str, shown: str) -> Any:
    """A value from the command line or the environment, written as in YAML; empty text is empty text."""
    if not text.strip():
        return text
    node = _compose(text, shown)
    return text if node is None else node.value()


def _compose(text: str, shown: str) -> Node | None:
    with _located(shown):
        raw = _yaml().compose(text)
    return None if raw is None else Node(raw, shown, raw.start_mark.line + 1)


class _located:  # noqa: N801 # used like a function
    """Turn YAML's own errors into one line with the place."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        from ruamel.yaml.error import YAMLError

        if isinstance(error, (YAMLError, ValueError, RecursionError)):
            mark = getattr(error, "problem_mark", None)
            place = self.shown if mark is None else f"{self.shown}:{mark.line + 1}"
            problem = getattr(error, "problem", None) or str(error).partition("\n")[0] or type(error).__name__
            raise RunError(f"{place}: not valid YAML: {problem}") from error


def _yaml() -> YAML:
    from ruamel.yaml import YAML
    from ruamel.yaml.resolver import VersionedResolver

    class Resolver(VersionedResolver):  # type: ignore[misc, unused-ignore]
        """YAML 1.2's core schema: no dates."""

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            tag = super().resolve(kind, value, implicit)
            return self.DEFAULT_SCALAR_TAG if str(tag).endswith(":timestamp") else tag

    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = Resolver
    return yaml
