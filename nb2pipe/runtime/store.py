"""The store: bytes in a folder, found by their SHA-256.

Writes are atomic, so a kill at any instant leaves a store that the next run can use. Nothing is handed out
before its digest was checked: what was tampered with is never unpickled.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nb2pipe.runtime.errors import RunError, StorageError
from nb2pipe.runtime.files import Bytes, digest_of, digest_of_file, write_atomically
from nb2pipe.runtime.mapping import mapped

STALE_SECONDS = 24 * 3600
VERSION = 1


@dataclass(frozen=True)
class Store:
    """A content-addressed store in ``folder``; many processes may use it at once."""

    folder: Path
    remote: str | None = None
    durable: bool = True  # whether what is put is on the disk before `put` returns

    def check(self) -> None:
        """Make the store, or refuse one that a newer version of nb2pipe has written."""
        path = self.folder / "store.json"
        try:
            version = json.loads(path.read_bytes())["version"]
        except FileNotFoundError:
            write_atomically(path, [json.dumps({"version": VERSION}).encode()])
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{path} cannot be read ({error}): name another folder with --output") from error
        if not isinstance(version, int) or version > VERSION:
            raise RunError(
                f"{self.folder} was written by a newer version of nb2pipe (store version {version}, this one knows "
                f"{VERSION}): pip install --upgrade nb2pipe, or name another folder with --output"
            )

    def put_file(self, path: Path) -> str:
        """Keep a file's content; gives its digest."""
        return self.put([mapped(path)])[0]

    def write_entry(self, name: str, data: bytes) -> None:
        """Keep a small document under a name; replaces what was there."""
        write_atomically(self.folder / name, [data])

    def keep_entry(self, name: str, path: Path) -> None:
        """Keep the document in ``path``, which nobody changes any more: the file gets a second name."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.unlink(missing_ok=True)
            target.hardlink_to(path)
        except OSError:  # another file system, or another run was faster
            self.write_entry(name, path.read_bytes())

    def read_entry(self, name: str) -> bytes | None:
        """A document by its name."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def entries(self, prefix: str) -> list[str]:
        """Names of the documents below ``prefix``."""
        return sorted(str(path.relative_to(self.folder)) for path in (self.folder / prefix).glob("*.json"))

    def has(self, digest: str, size: int | None = None) -> bool:
        """Whether an object is there, of that size if it is known: a power failure may have cut it short."""
        try:
            found = self.path(digest).stat()
        except FileNotFoundError:
            return False
        return size is None or found.st_size == size

    def put(self, parts: Sequence[Bytes]) -> tuple[str, int]:
        """Keep ``parts`` as one object; gives its digest and size. What is there already is not written again."""
        digest, size = digest_of(parts)
        path = self.path(digest)
        if not (path.is_file() and path.stat().st_size == size):
            write_atomically(path, parts, durable=self.durable)
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
