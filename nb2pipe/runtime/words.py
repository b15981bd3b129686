"""How runs are put into words, on the terminal and in the report alike."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from nb2pipe.runtime.record import GateRecord, ModelVersion, RunRecord, SourcePlace, Status


def duration(seconds: float | None) -> str:
    """``0.42 s``, ``12.3 s``, ``4 min 05 s``, ``2 h 07 min``; a dash for what is not known."""
    if seconds is None:
        return "–"
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def size(count: int | None) -> str:
    """``812 B``, ``1.4 MB``: decimal units; a dash for what is not known."""
    if count is None:
        return "–"
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 999.5 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.95 else f"{amount:.1f} {unit}"


def moment(text: str) -> str:
    """An ISO 8601 time as people write it, in UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return text
    time = time.astimezone(UTC) if time.tzinfo else time
    return f"{time.day} {time:%B %Y, %H:%M:%S} UTC"


def place(where: SourcePlace) -> str:
    """``cell 14, line 3  (flight_delays/stages/train.py:31)``."""
    file = f"{where.file}:{where.line}"
    return file if where.cell is None else f"{cell(where)}  ({file})"


def cell(where: SourcePlace) -> str:
    """``cell 14, line 3``; empty when the notebook's place is not known."""
    if where.cell is None:
        return ""
    return f"cell {where.cell}" + ("" if where.cell_line is None else f", line {where.cell_line}")


def decision(gate: GateRecord) -> str:
    """What a gate said."""
    return "said yes" if gate.passed else "said no"


def model(version: ModelVersion) -> str:
    """``flight_delays version 3 (challenger)``."""
    return f"{version.name} version {version.version} ({version.alias})"


def sentence(record: RunRecord) -> str:
    """How the run ended, in one sentence."""
    stages = _count(len(record.stages), "stage")
    failed = [stage.name for stage in record.stages if stage.status == Status.FAILED]
    said_no = [gate.name for gate in record.gates if not gate.passed]
    if record.status == Status.DONE:
        gates = f", {_count(len(record.gates), 'gate')} said yes" if record.gates else ""
        return f"All of {stages} done in {duration(record.seconds)}{gates}."
    if said_no:
        return f"Stopped after {duration(record.seconds)}: the gate {said_no[0]} said no."
    if failed:
        return f"Failed after {duration(record.seconds)}: the stage {', '.join(failed)} raised an exception."
    if record.status == Status.RUNNING:
        done = sum(stage.status == Status.DONE for stage in record.stages)
        return f"Running: {done} of {stages} done."
    return record.message or f"The run is {record.status}."


def path(target: Path) -> str:
    """``target`` relative to the working directory when that is shorter."""
    try:
        return min(os.path.relpath(target), str(target), key=len)
    except (ValueError, OSError):  # another drive, or a working directory that is gone
        return str(target)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
