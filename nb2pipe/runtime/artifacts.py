"""Artifacts: a stage's outputs into the store, and inputs out of it."""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from nb2pipe.runtime.definition import Stage
from nb2pipe.runtime.errors import StorageError
from nb2pipe.runtime.formats import format_for, format_named, graph
from nb2pipe.runtime.record import ArtifactRecord
from nb2pipe.runtime.store import Store

LONGEST_SUMMARY = 80


def store_outputs(store: Store, stage: Stage, outputs: Mapping[str, Any]) -> tuple[ArtifactRecord, ...]:
    """Store what a stage returned; names that may share objects go into one object graph."""
    groups = shared_groups(stage)
    records: dict[str, ArtifactRecord] = {}
    for group in groups:
        values = {name: outputs[name] for name in group}
        digest, size, references = _put_graph(store, stage, values)
        for name, value in values.items():
            members = tuple(f"{stage.name}.{member}" for member in group)
            record = _record(f"{stage.name}.{name}", digest, size, graph.NAME, value, references)
            records[name] = replace(record, graph=members)
    for name in outputs:
        if name not in records:
            records[name] = _put(store, f"{stage.name}.{name}", outputs[name])
    return tuple(records[name] for name in outputs)


def load_artifacts(store: Store, records: Iterable[ArtifactRecord]) -> dict[str, Any]:
    """Artifact -> value. Members of one graph are loaded together, once, so that they share what they shared."""
    values: dict[str, Any] = {}
    for record in records:
        if record.name in values:
            continue
        try:
            value = format_named(record.format).load(store.get(record.digest))
        except StorageError as error:
            raise StorageError(f"cannot load `{record.name}`: {error}") from error
        except Exception as error:
            raise StorageError(
                f"cannot load `{record.name}` ({record.type}): {type(error).__name__}: {error}"
            ) from error
        if record.graph:
            values.update((f"{record.graph[0].partition('.')[0]}.{name}", inner) for name, inner in value.items())
        else:
            values[record.name] = value
    return values


def shared_groups(stage: Stage) -> list[tuple[str, ...]]:
    """The stage's groups of two and more outputs, those that overlap joined, names in the order of the outputs."""
    groups: list[set[str]] = []
    for group in stage.shared:
        joined = set(group) & set(stage.stored)
        for other in [other for other in groups if other & joined]:
            joined |= other
            groups.remove(other)
        groups.append(joined)
    return [tuple(name for name in stage.stored if name in group) for group in groups if len(group) > 1]


def type_name(value: Any) -> str:
    """The type of ``value`` as people write it."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def summary_of(value: Any) -> str:
    """A value in a few words; never fails, and never asks a stranger's object for its text."""
    try:
        return _summary(value)
    except Exception:
        return type(value).__name__


def _put(store: Store, name: str, value: Any) -> ArtifactRecord:
    format_ = format_for(value)
    references: tuple[str, ...] = ()
    try:
        if format_ is graph:
            parts, references = graph.dump_with_references(value)
        else:
            parts = list(format_.dump(value))
        digest, size = store.put(parts)
    except StorageError as error:
        raise StorageError(_cannot_store(name, value, error)) from error
    return _record(name, digest, size, format_.NAME, value, references)


def _put_graph(store: Store, stage: Stage, values: Mapping[str, Any]) -> tuple[str, int, tuple[str, ...]]:
    try:
        parts, references = graph.dump_with_references(dict(values))
        return *store.put(parts), references
    except StorageError as error:
        name = _culprit(values)
        raise StorageError(_cannot_store(f"{stage.name}.{name}", values[name], error)) from error


def _culprit(values: Mapping[str, Any]) -> str:
    for name, value in values.items():
        try:
            graph.dump(value)
        except StorageError:
            return name
    return next(iter(values))


def _cannot_store(name: str, value: Any, error: StorageError) -> str:
    return (
        f"cannot store `{name}` ({type_name(value)}): {error}. "
        "Make it in each stage that needs it, or keep plain values of it instead"
    )


def _record(name: str, digest: str, size: int, format_: str, value: Any, references: tuple[str, ...]) -> ArtifactRecord:
    return ArtifactRecord(
        name=name,
        digest=digest,
        size=size,
        format=format_,
        type=type_name(value),
        summary=summary_of(value),
        references=references,
    )


def _summary(value: Any) -> str:
    pandas, numpy, torch = (sys.modules.get(name) for name in ("pandas", "numpy", "torch"))
    if pandas is not None and isinstance(value, pandas.DataFrame):
        return f"{_count(len(value), 'row')} x {_count(value.shape[1], 'column')}"
    if pandas is not None and isinstance(value, (pandas.Series, pandas.Index)):
        return f"{_count(len(value), 'value')}, {value.dtype}"
    if numpy is not None and isinstance(value, numpy.ndarray):
        return f"{' x '.join(map(str, value.shape)) or 'scalar'}, {value.dtype}"
    if torch is not None and isinstance(value, torch.Tensor):
        return f"{' x '.join(map(str, value.shape)) or 'scalar'}, {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, float) or (numpy is not None and isinstance(value, numpy.floating)):
        return f"{float(value):.6g}"
    if value is None or type(value) in (bool, int, str, bytes, complex):
        text = reprlib.repr(value)
        return text if len(text) <= LONGEST_SUMMARY else text[: LONGEST_SUMMARY - 1] + "…"
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        return f"{type(value).__name__} of {len(value)}"
    return type(value).__name__


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
