"""From a line of the package to the notebook's cell and line, also after somebody edited the package."""

from __future__ import annotations

import difflib
import json
import linecache
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from nb2pipe.runtime.package import Package
from nb2pipe.runtime.record import FailureRecord, SourcePlace

LONGEST_TRACEBACK = 100_000


@dataclass(frozen=True)
class EmittedFile:
    """A file as it was emitted: its text, and line -> (cell, line in the cell)."""

    text: str
    lines: dict[int, tuple[int, int]]


@dataclass(frozen=True)
class Provenance:
    """What ``notebook.lock`` says; empty when there is none."""

    notebook_digest: str | None = None
    files: dict[str, EmittedFile] = field(default_factory=dict)


def read_provenance(package: Package) -> Provenance:
    """Read ``notebook.lock``; one that is missing or damaged costs the cells, not the run."""
    try:
        lock = json.loads(package.lock.read_text(encoding="utf-8"))
        digest = str((lock.get("notebook") or {}).get("digest") or "") or None
        files = {str(name): _emitted(entry) for name, entry in (lock.get("files") or {}).items()}
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return Provenance()
    return Provenance(None if digest is None else digest.removeprefix("sha256:"), files)


def place_of(package: Package, provenance: Provenance, file: Path, line: int) -> SourcePlace | None:
    """Where ``line`` of ``file`` stands in the package and the notebook; ``None`` for a file of somebody else."""
    if not file.is_relative_to(package.module_folder):
        return None
    name = (package.name / file.relative_to(package.module_folder)).as_posix()
    code = linecache.getline(str(file), line).strip()
    cell, cell_line = _cell_of(provenance.files.get(name), file, line) or (None, None)
    return SourcePlace(file=name, line=line, code=code, cell=cell, cell_line=cell_line)


def failure_of(error: BaseException, package: Package, provenance: Provenance) -> FailureRecord:
    """An exception as a record: the package's own frames, and Python's text."""
    return FailureRecord(
        type=_type_name(error),
        message=_message(error),
        trace=tuple(_trace(error, package, provenance)),
        traceback=_text(error),
    )


def _trace(error: BaseException, package: Package, provenance: Provenance) -> list[SourcePlace]:
    places = []
    for frame in traceback.extract_tb(error.__traceback__):
        place = place_of(package, provenance, _resolved(frame.filename), frame.lineno or 0)
        if place is not None:
            places.append(place)
    return places


def _emitted(entry: Any) -> EmittedFile:
    lines = {int(line): (int(cell), int(cell_line)) for line, cell, cell_line in entry.get("lines") or ()}
    return EmittedFile(str(entry.get("text") or ""), lines)


def _cell_of(emitted: EmittedFile | None, file: Path, line: int) -> tuple[int, int] | None:
    if emitted is None:
        return None
    now = "".join(linecache.getlines(str(file)))
    if now == emitted.text:
        return emitted.lines.get(line)
    old_line = _old_line(emitted.text.splitlines(), now.splitlines(), line)
    return None if old_line is None else emitted.lines.get(old_line)


def _old_line(old: list[str], new: list[str], line: int) -> int | None:
    """The line of ``old`` that became ``line`` of ``new``; of a changed line, the one in its place."""
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if new_start <= line - 1 < new_end:
            if tag == "insert":
                return None
            return min(old_start + (line - 1 - new_start), old_end - 1) + 1
    return None


def _resolved(filename: str) -> Path:
    try:
        return Path(filename).resolve()
    except (OSError, ValueError):
        return Path(filename)


def _type_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(its message cannot be shown)"


def _text(error: BaseException) -> str:
    """Python's text, from the first frame that is not the runner's."""
    own = Path(__file__).parent
    first: TracebackType | None = error.__traceback__
    while first is not None and Path(first.tb_frame.f_code.co_filename).is_relative_to(own):
        first = first.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, first))
    except Exception:
        text = _type_name(error)
    return text if len(text) <= LONGEST_TRACEBACK else text[:LONGEST_TRACEBACK] + "\n…"
