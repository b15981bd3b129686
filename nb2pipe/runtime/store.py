"""The store: bytes in a folder, found by their SHA-256.

Writes are atomic, so a kill at any instant leaves a store that the next run can use. Nothing is handed out
before its digest was checked: what was tampered with is never unpickled.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nb2pipe.runtime.errors import StorageError
from nb2pipe.runtime.files import Bytes, digest_of, digest_of_file, write_atomically
from nb2pipe.runtime.mapping import mapped

STALE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Store:
    """A content-addressed store in ``folder``; many processes may use it at once."""

    folder: Path

    def put(self, parts: Sequence[Bytes]) -> tuple[str, int]:
        """Keep ``parts`` as one object; gives its digest and size. What is there already is not written again."""
        digest, size = digest_of(parts)
        path = self.path(digest)
        if not (path.is_file() and path.stat().st_size == size):
            write_atomically(path, parts)
        return digest, size

    def get(self, digest: str) -> memoryview:
        """The object's bytes, checked against their digest; writeable, and the caller's alone."""
        path = self.path(digest)
        try:
            found, _ = digest_of_file(path)
            data = mapped(path)
        except FileNotFoundError:
            raise StorageError(f"the store has no object {digest}: run the stage that makes it again") from None
        if found != digest:
            raise StorageError(
                f"{path} is not what was stored there: its digest is wrong. "
                "Nothing was loaded from it. Delete the file and run the pipeline again"
            )
        return data

    def path(self, digest: str) -> Path:
        """Where an object lies."""
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise StorageError(f"{digest!r} is not a digest")
        return self.folder / "objects" / digest[:2] / digest

    def clean(self) -> None:
        """Remove what killed writers left behind long ago."""
        for path in self.folder.glob("objects/??/.*.tmp"):
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink(missing_ok=True)
