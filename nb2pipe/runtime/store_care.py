"""Care for a store: how much it holds, whether it is sound, and what can go."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nb2pipe.runtime.cache import FOLDER, read
from nb2pipe.runtime.files import digest_of_file
from nb2pipe.runtime.store import Store

DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
#: What is younger may belong to a run that is going on.
YOUNG_SECONDS = 3600.0
DAY = 24 * 3600.0


@dataclass(frozen=True)
class Usage:
    """What a store holds; sizes in bytes."""

    objects: int
    bytes: int
    unused: int
    unused_bytes: int
    entries: int
    temporary: int


@dataclass(frozen=True)
class Freed:
    """What was removed; sizes in bytes."""

    objects: int
    bytes: int
    entries: int
    temporary: int


def usage(store: Store, output: Path) -> Usage:
    """How much the store holds; unused is what neither a run in ``output`` nor a kept result refers to."""
    objects = {path: path.stat().st_size for path in _objects(store)}
    needed = _named_by_runs(output) | _named_by(_entries(store))
    unused = {path: size for path, size in objects.items() if path.name not in needed}
    return Usage(
        objects=len(objects),
        bytes=sum(objects.values()),
        unused=len(unused),
        unused_bytes=sum(unused.values()),
        entries=len(list(_entries(store))),
        temporary=len(list(_temporary(store))),
    )


def verify(store: Store, *, repair: bool = False) -> list[str]:
    """What is wrong in the store, in words; ``repair`` removes it, so that it is made again."""
    store.check()
    found = []
    for path in _objects(store):
        if digest_of_file(path)[0] != path.name:
            found.append(f"{path}: is not what was stored there: its digest is wrong")
            if repair:
                path.unlink(missing_ok=True)
    for path in _entries(store):
        result = read(store, str(path.relative_to(store.folder)))
        if result is None or not result.key:
            found.append(f"{path}: cannot be read")
            if repair:
                path.unlink(missing_ok=True)
    return found


def collect(store: Store, output: Path, days: float, *, everything: bool = False, dry_run: bool = False) -> Freed:
    """Remove kept results older than ``days``, what nothing refers to then, and leftovers of killed writers."""
    store.check()
    now = time.time()
    youngest = now if everything else now - YOUNG_SECONDS
    old = [path for path in _entries(store) if path.stat().st_mtime < min(youngest, now - days * DAY)]
    kept = [path for path in _entries(store) if path not in set(old)]
    needed = _named_by_runs(output) | _named_by(kept)
    loose = [path for path in _objects(store) if path.name not in needed and path.stat().st_mtime <= youngest]
    temporary = [path for path in _temporary(store) if path.stat().st_mtime <= youngest]
    size = sum(path.stat().st_size for path in loose)
    if not dry_run:
        for path in [*old, *loose, *temporary]:  # results first: none may ever lead to nothing
            path.unlink(missing_ok=True)
    return Freed(len(loose), size, len(old), len(temporary))


def _objects(store: Store) -> Iterator[Path]:
    return (path for path in sorted((store.folder / "objects").glob("??/*")) if DIGEST.fullmatch(path.name))


def _entries(store: Store) -> Iterator[Path]:
    return (path for path in sorted((store.folder / FOLDER).glob("??/*/*.json")))


def _temporary(store: Store) -> Iterator[Path]:
    return store.folder.rglob(".*.tmp")


def _named_by_runs(output: Path) -> set[str]:
    records = [*output.glob("*/run.json"), *output.glob("*/stages/*.json")]
    return _named_by(iter(records))


def _named_by(paths: Iterator[Path] | list[Path]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        found.update(DIGEST.findall(path.read_text(encoding="utf-8", errors="replace")))
    return found
