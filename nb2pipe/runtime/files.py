"""Writing files so that a reader, or the next run after a kill, sees all of a file or nothing of it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nb2pipe.runtime.errors import RunError

Bytes = bytes | bytearray | memoryview

CHUNK = 1 << 20


def write_atomically(path: Path, parts: Iterable[Bytes], *, durable: bool = True) -> None:
    """Write ``path`` under a temporary name in its own folder, sync it, then rename it.

    What is not ``durable`` outlives a kill, but may not outlive a power failure: for what can be made again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name[:100]}.{os.getpid()}-{secrets.token_hex(4)}.tmp"
    try:
        with temporary.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """``text`` as UTF-8, atomically; what is no Unicode (lone surrogates) is escaped."""
    write_atomically(path, [text.encode("utf-8", errors="backslashreplace")], durable=durable)


def digest_of(parts: Iterable[Bytes]) -> tuple[str, int]:
    """SHA-256 and size in bytes of ``parts`` one after the other."""
    digest, size = hashlib.sha256(), 0
    for part in parts:
        digest.update(part)
        size += len(part)
    return digest.hexdigest(), size


def digest_of_file(path: Path) -> tuple[str, int]:
    """SHA-256 and size in bytes of a file."""
    with path.open("rb") as file:
        return digest_of(iter(lambda: file.read(CHUNK), b""))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time, where the system has file locks; ``path`` is only the lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock ``path`` as long as this lasts; raises ``RunError`` when another process does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(f"the run {path.parent.name} is going on in another process") from None
        yield


def _sync_folder(folder: Path) -> None:
    """Make a rename last; some file systems cannot, and then there is nothing to do."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
