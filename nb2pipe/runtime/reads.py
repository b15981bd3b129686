"""What a stage's result depends on besides its code and inputs: files that it reads, folders that it lists, variables.

Heard are files that Python opens and folders that it lists. Libraries that open files by themselves are not heard;
but the names that they are given stand in the parameters or in the code, and what those name counts as read.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from nb2pipe.runtime import audit
from nb2pipe.runtime.files import digest_of
from nb2pipe.runtime.filestate import Digests, State, digest_of_names, state_of
from nb2pipe.runtime.record import FileRead

EVENTS = frozenset({"open", "os.listdir", "os.scandir", "sqlite3.connect"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_TRUNC | os.O_CREAT
_FILE_NAME = re.compile(r"[^\n*?\[\]{}<>|\"']*(/[^\n*?<>|\"']*|\.\w{1,8})")
_NOWHERE = frozenset({"", ".", "..", "./", "../", "/", "~"})
MOST_MENTIONS = 500


class Reads:
    """Listens while a stage runs.

    Args:
        workspace: the folder that mirrors the data; the working directory is it or lies in it.
        before: the files in it when the stage began.
        digests: those known already.
        apart: folders whose files are no data: the store, the package, the rest of the run's folder.
    """

    def __init__(self, workspace: Path, before: Iterable[str], digests: Digests, apart: Iterable[Path]) -> None:
        self.workspace = os.path.realpath(workspace)
        self.cwd = os.getcwd()
        self.before = set(before)
        self.digests = digests
        self.apart = tuple(os.path.realpath(folder) + os.sep for folder in apart) + system_folders()
        self.opened: dict[str, State | None] = {}
        self.changed: dict[str, str | None] = {}  # files opened for writing -> digest of what they held
        self.made: set[str] = set()  # files outside that were written from their beginning
        self.listed: dict[str, str] = {}
        self.found: dict[tuple[str, str], FileRead] = {}
        self.listening = False

    def start(self) -> None:
        """Listen from now on."""
        self.listening = True
        audit.listen(EVENTS, self._heard)

    def stop(self) -> None:
        """Listen no longer."""
        self.listening = False
        audit.unlisten(self._heard)

    def mention(self, texts: Iterable[str]) -> None:
        """Count files and folders that ``texts`` name as read, as they are now."""
        for text in list(dict.fromkeys(texts))[:MOST_MENTIONS]:
            if text in _NOWHERE or len(text) > 300 or "://" in text or "\0" in text:
                continue
            path = os.path.normpath(os.path.join(self.cwd, os.path.expanduser(text)))
            if self._is_apart(path) or path in (self.cwd, self.workspace):
                continue
            if os.path.isfile(path):
                self._found("file", path, self.digests.of(path))
            elif os.path.isdir(path):
                if self._inside(path):
                    self._found("tree", path, self.digests.of_tree(path))
            elif _FILE_NAME.fullmatch(text):
                self._found("missing", path, "")

    def variables(self, names: Iterable[str]) -> Iterator[FileRead]:
        """The environment variables of these names; one that only names a file to write is left out."""
        for name in names:
            value = os.environ.get(name)
            if value is None or os.path.normpath(os.path.join(self.cwd, value)) not in self.changed:
                yield FileRead("variable", name, _digest_of_text(value))

    def result(self) -> tuple[FileRead, ...] | None:
        """All that was read; ``None`` when a file changed while it was read, so that nobody knows what was seen."""
        for path, names in self.listed.items():
            self._found("folder", path, names)
        for path, state in self.opened.items():
            if ("file", path) in self.found or ("missing", path) in self.found:
                continue
            if path in self.changed and self.changed[path] is not None:
                self._found("file", path, self.changed[path])
            elif state is None:
                self._found("missing", path, "")
            elif state_of(path) == state:
                self._found("file", path, self.digests.of(path))
            else:
                return None
        for path in self.made:
            if os.path.isfile(path) and not _is_temporary(path):
                self._found("written", path, self.digests.of(path))
        return tuple(self.found[key] for key in sorted(self.found))

    def _found(self, kind: str, path: str, digest: str | None) -> None:
        if digest is not None:
            self.found[kind, path] = FileRead(kind, self._shown(path), digest)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        path = arguments[0] if arguments else None
        if not self.listening or not isinstance(path, (str, bytes, os.PathLike)):
            return
        self.listening = False  # what is done here is not the stage's doing
        try:
            name = os.path.normpath(os.path.join(os.getcwd(), os.fsdecode(path)))
            if "\0" in name or self._is_apart(name) or not self._counts(name):
                return
            if event in ("os.listdir", "os.scandir"):
                self._list(name)
            else:
                flags = arguments[2] if event == "open" else os.O_RDWR
                self._open(name, flags if isinstance(flags, int) else 0)
        except OSError:
            return
        finally:
            self.listening = True

    def _list(self, path: str) -> None:
        if path in self.listed or path == tempfile.gettempdir() or _is_import(sys._getframe(2)):
            return
        self.listed[path] = digest_of_names(os.listdir(path) if os.path.isdir(path) else ())

    def _open(self, path: str, flags: int) -> None:
        if flags & _WRITING:
            if path not in self.changed:
                keeps = not flags & os.O_TRUNC
                self.changed[path] = self.digests.of(path) if keeps and self._was_there(path) else None
                if not self._inside(path) and not flags & os.O_APPEND:
                    self.made.add(path)
            if not (flags & os.O_RDWR) or flags & os.O_TRUNC:
                return
        if (path not in self.opened and path not in self.changed) or (flags & os.O_RDWR and self._was_there(path)):
            self.opened.setdefault(path, state_of(path))

    def _was_there(self, path: str) -> bool:
        return not self._inside(path) or self._shown(path) in self.before

    def _counts(self, path: str) -> bool:
        """Neither a file that the stage itself has made nor code, which is known from elsewhere."""
        if f"{os.sep}__pycache__{os.sep}" in path or (path.endswith((".py", ".pyc")) and not self._inside(path)):
            return False
        return path not in self.changed or self.changed[path] is not None

    def _inside(self, path: str) -> bool:
        return path.startswith(self.workspace + os.sep)

    def _shown(self, path: str) -> str:
        inside = self._inside(path) or path == self.workspace
        return os.path.relpath(path, self.workspace) if inside else path

    def _is_apart(self, path: str) -> bool:
        return not self._inside(path) and path != self.workspace and path.startswith(self.apart)


def texts_in(value: Any, depth: int = 3) -> Iterator[str]:
    """Texts and paths in a parameter's value."""
    if isinstance(value, (str, os.PathLike)):
        yield os.fspath(value) if not isinstance(os.fspath(value), bytes) else os.fsdecode(value)
    elif depth and isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner, depth - 1)
    elif depth and isinstance(value, (list, tuple, set, frozenset)):
        for inner in list(value)[:MOST_MENTIONS]:
            yield from texts_in(inner, depth - 1)


def still_so(reads: Iterable[FileRead], workspace: Path, digests: Digests) -> FileRead | None:
    """The first of ``reads`` that is no longer as it was; ``None`` when all are."""
    return next((read for read in reads if _now(read, workspace, digests) != read.digest), None)


def _now(read: FileRead, workspace: Path, digests: Digests) -> str | None:
    path = os.path.join(workspace, read.path)
    match read.kind:
        case "variable":
            return _digest_of_text(os.environ.get(read.path))
        case "missing":
            return None if os.path.lexists(path) else ""
        case "folder":
            return digest_of_names(os.listdir(path)) if os.path.isdir(path) else digest_of_names(())
        case "tree":
            return digests.of_tree(path) if os.path.isdir(path) else None
        case _:
            return digests.of(path)


def _digest_of_text(text: str | None) -> str:
    return "" if text is None else digest_of([text.encode(errors="surrogateescape")])[0]


def _is_import(frame: Any) -> bool:
    """Whether a folder is listed by the import system, which looks into every folder of ``sys.path``."""
    while frame is not None and frame.f_code.co_filename == audit.__file__:
        frame = frame.f_back
    return frame is not None and "importlib" in frame.f_code.co_filename


def _is_temporary(path: str) -> bool:
    """Whether a file has a name that :mod:`tempfile` made."""
    return os.path.relpath(path, tempfile.gettempdir()).startswith(tempfile.gettempprefix())


@cache
def system_folders() -> tuple[str, ...]:
    """Where no data lies: Python, its libraries, the system's own files, caches of the user's."""
    paths = sysconfig.get_paths()
    folders = {
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        *(paths[name] for name in ("stdlib", "purelib", "platlib")),
    }
    folders |= {"/proc", "/dev", "/sys", "/etc", "/usr", "/lib", "/lib64"}
    folders |= {os.path.expanduser(f"~/{name}") for name in (".cache", ".config", ".local", ".ipython", ".matplotlib")}
    return tuple(os.path.realpath(folder) + os.sep for folder in folders)
