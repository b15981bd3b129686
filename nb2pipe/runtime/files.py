"""Writing files so that a reader, or the next run after a kill, sees all of a file or nothing of it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nb2pipe.runtime.errors import RunError, StorageError

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


class Disk:
    """Makes files outlive a power failure, in the background: writers go on, and one waits for the disk at the end."""

    EVERY_SECONDS = 3.0

    def __init__(self) -> None:
        self._paths: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        self._problem: OSError | None = None
        self._thread: threading.Thread | None = None
        self._enough = threading.Event()

    def sync(self, paths: Iterable[Path]) -> None:
        """Have the contents and names of ``paths`` written to the disk."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        for path in paths:
            self._paths.put(path)

    def wait(self) -> None:
        """Wait until all is written; raises ``StorageError`` when something could not be."""
        if self._thread is not None:
            self._paths.put(None)
            self._enough.set()
            self._thread.join()
            self._enough.clear()
            self._thread = None
        if self._problem is not None:
            raise StorageError(f"{self._problem.filename or 'the disk'} cannot be written: {self._problem.strerror}")

    def _work(self) -> None:
        ended = False
        while not ended:
            paths = [self._paths.get()]
            if paths[0] is not None:  # many at once cost the disk little more than one
                self._enough.wait(self.EVERY_SECONDS)
            while not self._paths.empty():
                paths.append(self._paths.get())
            ended = None in paths
            self._sync([path for path in paths if path is not None])

    def _sync(self, paths: list[Path]) -> None:
        for path in paths:
            try:
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
            except FileNotFoundError:
                continue  # somebody has tidied up; it is no longer wanted
            except OSError as error:
                self._problem = error
        for folder in {path.parent for path in paths}:
            _sync_folder(folder)


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
            raise RunError(f"the run {path.stem} is going on in another process") from None
        yield


def _sync_folder(folder: Path) -> None:
    """Make a rename last; some file systems cannot, and then there is nothing to do."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
