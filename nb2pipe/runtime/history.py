"""The runs of a folder: found, named, compared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nb2pipe.runtime import journal
from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.record import SCHEMA_VERSION, RunRecord

LATEST = re.compile(r"latest|@(\d+)")


@dataclass(frozen=True)
class Run:
    """A run in its folder; a record that cannot be read is told by ``problem``."""

    folder: Path
    record: RunRecord | None
    problem: str = ""


def runs_in(output: Path) -> list[Run]:
    """All runs below ``output``, newest first; damaged ones at the end."""
    found = list(_runs(output))
    return sorted(found, key=lambda run: "" if run.record is None else run.record.started, reverse=True)


def find_run(output: Path, name: str) -> Run:
    """The run called ``name``: its id, the beginning of it, ``latest``, or ``@2`` for the one before the latest.

    Raises:
        RunError: there is none, there are several, or its record cannot be read.
    """
    runs = runs_in(output)
    if match := LATEST.fullmatch(name):
        number = int(match.group(1) or 1)
        sound = [run for run in runs if run.record is not None]
        if not 1 <= number <= len(sound):
            raise RunError(f"{output} holds {len(sound)} runs, so there is no {name}")
        return sound[number - 1]
    fitting = [run for run in runs if run.folder.name == name] or [
        run for run in runs if run.folder.name.startswith(name)
    ]
    if not fitting:
        raise RunError(f"{output} holds no run {name}; see them with nb2pipe runs list --output {output}")
    if len(fitting) > 1:
        names = ", ".join(run.folder.name for run in fitting[:5])
        raise RunError(f"{name} may be any of {names}: give more of the id")
    if fitting[0].problem:
        raise RunError(fitting[0].problem)
    return fitting[0]


def _runs(output: Path) -> Iterator[Run]:
    if not output.is_dir():
        raise RunError(f"{output} is no folder: name the folder of runs with --output")
    for folder in output.iterdir():
        path = folder / journal.RUN_FILE
        if folder.name.startswith(".") or not path.is_file():
            continue
        try:
            check_version(path)
            yield Run(folder, journal.load(folder))
        except RunError as error:
            yield Run(folder, None, str(error))


def check_version(path: Path) -> None:
    """Refuse a record that a newer version of nb2pipe wrote."""
    try:
        version = json.loads(path.read_text(encoding="utf-8")).get("schema_version", 0)
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(f"{path} is damaged and cannot be read: {error}") from error
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise RunError(
            f"{path} was written by a newer version of nb2pipe (record version {version}, this one knows "
            f"{SCHEMA_VERSION}): pip install --upgrade nb2pipe"
        )


def differences(one: RunRecord, other: RunRecord) -> dict[str, Any]:
    """What differs between two runs, by subject; subjects without a difference are left out."""
    found: dict[str, Any] = {
        "config": _differing(
            {key: value.value for key, value in one.config.items()},
            {key: value.value for key, value in other.config.items()},
        ),
        "data": _differing(
            {data.path: data.digest for data in one.data}, {data.path: data.digest for data in other.data}
        ),
        "versions": _differing(one.versions, other.versions),
        "code": _differing(
            {"commit": one.commit, "notebook": one.notebook_digest},
            {"commit": other.commit, "notebook": other.notebook_digest},
        ),
        "artifacts": _differing(_artifacts(one), _artifacts(other)),
        "metrics": _differing(one.metrics, other.metrics),
        "gates": _differing(
            {gate.name: gate.passed for gate in one.gates}, {gate.name: gate.passed for gate in other.gates}
        ),
        "stages": _differing(
            {stage.name: str(stage.status) for stage in one.stages},
            {stage.name: str(stage.status) for stage in other.stages},
        ),
    }
    return {subject: difference for subject, difference in found.items() if difference}


def _artifacts(record: RunRecord) -> dict[str, str]:
    return {
        output.name: f"{output.summary} ({output.digest[:12]})" for stage in record.stages for output in stage.outputs
    }


def _differing(one: dict[str, Any], other: dict[str, Any]) -> dict[str, list[Any]]:
    """Name -> the two values, where they differ; NaN equals itself."""
    return {
        name: [one.get(name), other.get(name)]
        for name in {**one, **other}
        if repr(one.get(name)) != repr(other.get(name))
    }
