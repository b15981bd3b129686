"""Digests of files, remembered by what the file system says of them, so that nothing is read twice."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from nb2pipe.runtime.files import digest_of, digest_of_file, write_text

State = tuple[int, ...]

#: A file that was changed so recently may change again within the same tick of the file system's clock.
SETTLED_NS = 2_000_000_000


def state_of(path: str | Path) -> State | None:
    """Device, inode, size, time of change of content and of anything; ``None`` for what is no file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class Digests:
    """Digests of files by path and state."""

    def __init__(self, known: Mapping[str, tuple[State, str]] | None = None) -> None:
        self.known = dict(known or {})

    def of(self, path: str | Path) -> str | None:
        """SHA-256 of a file's content; ``None`` when it cannot be read."""
        real = os.path.realpath(path)
        state = state_of(real)
        if state is None:
            return None
        if real in self.known and tuple(self.known[real][0]) == state:
            return self.known[real][1]
        try:
            digest, _ = digest_of_file(Path(real))
        except OSError:
            return None
        if state_of(real) == state and time.time_ns() - max(state[3:]) > SETTLED_NS:
            self.known[real] = (state, digest)
        return digest

    def of_tree(self, folder: str | Path) -> str | None:
        """A digest of the names and contents of all files below a folder; hidden ones and caches are left out."""
        parts: list[bytes] = []
        for inner, folders, names in os.walk(folder, followlinks=True):
            folders[:] = sorted(name for name in folders if not _is_noise(name))
            for name in sorted(name for name in names if not _is_noise(name)):
                path = os.path.join(inner, name)
                parts.append(f"{os.path.relpath(path, folder)}\0{self.of(path)}\n".encode(errors="surrogateescape"))
        return digest_of(parts)[0]


def digest_of_names(names: Iterable[str]) -> str:
    """A digest of what lies in a folder."""
    shown = sorted(name for name in names if not _is_noise(name))
    return digest_of([name.encode(errors="surrogateescape") + b"\n" for name in shown])[0]


def load_digests(path: Path) -> Digests:
    """What an earlier run remembered; nothing when that cannot be read."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return Digests({str(name): (tuple(map(int, state)), str(digest)) for name, (state, digest) in found.items()})
    return Digests()


def save_digests(path: Path, digests: Digests) -> None:
    """Remember the digests of files that are still there."""
    still = {name: entry for name, entry in digests.known.items() if state_of(name) == tuple(entry[0])}
    with contextlib.suppress(OSError):  # it only saves time
        write_text(path, json.dumps(still))


def _is_noise(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__"
