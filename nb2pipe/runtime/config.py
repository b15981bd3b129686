"""The config of a run: layers of values, each with where it came from, checked against the stages.

The layers, each overriding the one before: ``base.yaml``, the environment's file, ``--config FILE``,
``<NAME>__A__B`` in the environment, ``--set``.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nb2pipe.runtime.config_types import annotations_of, checked
from nb2pipe.runtime.definition import Evaluation, Pipeline
from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.options import RunOptions, environment_name
from nb2pipe.runtime.package import Package
from nb2pipe.runtime.record import ConfigValue
from nb2pipe.runtime.yaml_reader import Node, parse_value, read_yaml

DATA_ROOT = "data.root"
BOUNDS = ("min", "max")


@dataclass(frozen=True)
class Reading:
    """A value as a layer gives it: text from outside YAML has two readings, the second being the text itself."""

    values: tuple[Any, ...]
    origin: str


@dataclass(frozen=True)
class Config:
    """The config of a run.

    Attributes:
        values: every value by its key, for the record.
        arguments: stage -> keyword arguments, of the annotated types.
        thresholds: key of an evaluation gate -> metric -> bound -> number.
        data_root: ``data.root``, when it is set.
        environment: the environment whose layer was read.
    """

    values: dict[str, ConfigValue]
    arguments: dict[str, dict[str, Any]]
    thresholds: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    data_root: str | None = None
    environment: str | None = None


def read_config(
    pipeline: Pipeline,
    package: Package,
    options: RunOptions,
    environ: Mapping[str, str] | None = None,
    stages: Iterable[str] | None = None,
) -> Config:
    """Read and check all layers. ``stages``: those that will run; others may miss values."""
    keys = allowed_keys(pipeline)
    environment = environment_name(options)
    folder, further = _files(package, options)
    readings: dict[str, Reading] = {}
    for path, shown in _layers(folder, package, environment, further):
        readings.update(_of_file(path, shown, keys))
    readings.update(_of_environment(pipeline.name, os.environ if environ is None else environ, keys, readings))
    readings.update(_of_overrides(options.overrides, keys))
    wanted = set(stages) if stages is not None else {stage.name for stage in pipeline.stages}
    return _checked(pipeline, keys, readings, environment, wanted, _shown_path(folder, package))


@dataclass(frozen=True)
class Keys:
    """The keys that a config may have: values, and prefixes below which thresholds stand."""

    values: frozenset[str]
    thresholds: frozenset[str]

    def kind(self, key: str) -> str:
        """``value``, ``thresholds`` (the mapping itself), ``section`` (on the way to one) or ``unknown``."""
        if key in self.values:
            return "value"
        if key in self.thresholds:
            return "thresholds"
        below = (other for other in self.values | self.thresholds if other.startswith(f"{key}."))
        return "section" if next(below, None) else "unknown"

    def gate_of(self, key: str) -> str | None:
        """The thresholds' prefix that ``key`` stands below."""
        return next((prefix for prefix in self.thresholds if key.startswith(f"{prefix}.")), None)

    def unknown(self, key: str, origin: str) -> RunError:
        """The error for a key that nobody reads."""
        everything = sorted(self.values | self.thresholds)
        depth = key.count(".") + 1
        same_depth = sorted({".".join(known.split(".")[:depth]) for known in everything})
        near = difflib.get_close_matches(key, same_depth, n=1, cutoff=0.6)
        mend = f"did you mean {near[0]}?" if near else f"there are: {', '.join(everything) or 'none'}"
        return RunError(f"{origin}: no stage reads the key {key}; {mend}")


def allowed_keys(pipeline: Pipeline) -> Keys:
    """What the stages and gates read."""
    return Keys(
        values=frozenset({DATA_ROOT, *(key for stage in pipeline.stages for key in stage.params.values())}),
        thresholds=frozenset(gate.thresholds for gate in pipeline.gates if isinstance(gate, Evaluation)),
    )


def _files(package: Package, options: RunOptions) -> tuple[Path, Path | None]:
    """The folder of configs, and the further file, that ``--config`` leads to."""
    chosen = options.config
    if chosen is None:
        return package.config, None
    if chosen.is_dir():
        return chosen, None
    if not chosen.is_file():
        raise RunError(f"--config {chosen}: there is no such file or folder")
    return (chosen.parent, None) if chosen.name == "base.yaml" else (package.config, chosen)


def _layers(
    folder: Path, package: Package, environment: str | None, further: Path | None
) -> Iterator[tuple[Path, str]]:
    shown = _shown_path(folder, package)
    base = folder / "base.yaml"
    if not base.is_file():
        raise RunError(f"{base} is missing: convert the notebook again, or name a folder of configs with --config")
    yield base, f"{shown}/base.yaml"
    if environment is not None:
        path = folder / f"{environment}.yaml"
        if not path.is_file():
            there = sorted(found.stem for found in folder.glob("*.yaml") if found.stem != "base")
            raise RunError(
                f"there is no environment {environment!r} in {folder}; there are: {', '.join(there) or 'none'}; "
                "choose another with --env or APP_ENV"
            )
        if environment != "base":
            yield path, f"{shown}/{environment}.yaml"
    if further is not None:
        yield further, str(further)


def _shown_path(folder: Path, package: Package) -> str:
    return folder.name if folder == package.config else str(folder)


def _of_file(path: Path, shown: str, keys: Keys) -> dict[str, Reading]:
    node = read_yaml(path, shown)
    return {} if node is None or node.is_null else dict(_walk(node, "", keys))


def _walk(node: Node, prefix: str, keys: Keys) -> Iterator[tuple[str, Reading]]:
    if not node.is_mapping:
        raise RunError(f"{node.origin}: expected keys and values{f' below {prefix}' if prefix else ''}")
    for name, child in node.items():
        key = f"{prefix}.{name}" if prefix else name
        kind = keys.kind(key)
        if kind == "value":
            yield key, Reading((child.value(),), child.origin)
        elif kind == "unknown":
            raise keys.unknown(key, child.origin)
        elif child.is_null:
            continue
        elif kind == "section":
            yield from _walk(child, key, keys)
        else:
            yield from _walk_thresholds(child, key)


def _walk_thresholds(node: Node, prefix: str) -> Iterator[tuple[str, Reading]]:
    if not node.is_mapping:
        raise RunError(f"{node.origin}: {prefix}: expected metric names, each with min or max")
    for metric, bounds in node.items():
        if not bounds.is_mapping:
            raise RunError(f"{bounds.origin}: {prefix}.{metric}: expected min or max, as in {{min: 0.8}}")
        for bound, value in bounds.items():
            if bound not in BOUNDS:
                raise RunError(f"{value.origin}: {prefix}.{metric}.{bound}: a threshold is min or max")
            yield f"{prefix}.{metric}.{bound}", Reading((value.value(),), value.origin)


def _of_environment(
    name: str, environ: Mapping[str, str], keys: Keys, known: Mapping[str, Reading]
) -> Iterator[tuple[str, Reading]]:
    prefix = f"{name}__".upper()
    by_variable: dict[str, list[str]] = {}
    for key in sorted({*keys.values, *known}):
        by_variable.setdefault((prefix + key.replace(".", "__")).upper(), []).append(key)
    for variable in sorted(environ):
        if not variable.upper().startswith(prefix):
            continue
        found = by_variable.get(variable.upper(), [])
        if not found:
            raise keys.unknown(variable[len(prefix) :].replace("__", ".").lower(), variable)
        if len(found) > 1:
            raise RunError(f"{variable}: {' and '.join(found)} differ in case only; use --set")
        yield found[0], _reading(environ[variable], variable)


def _of_overrides(overrides: Iterable[str], keys: Keys) -> Iterator[tuple[str, Reading]]:
    for override in overrides:
        key, _, text = override.partition("=")
        key, origin = key.strip(), "--set"
        if (gate := keys.gate_of(key)) is not None and key not in keys.values:
            metric, _, bound = key[len(gate) + 1 :].rpartition(".")
            if not metric or bound not in BOUNDS:
                raise RunError(f"--set {key}: a threshold is written {gate}.<metric>.min or {gate}.<metric>.max")
        elif keys.kind(key) in ("section", "thresholds"):
            raise RunError(f"--set {key}: names a group of keys; set one of them, as in --set {key}.<name>=...")
        elif keys.kind(key) == "unknown":
            raise keys.unknown(key, origin)
        yield key, _reading(text, f"--set {key}")


def _reading(text: str, origin: str) -> Reading:
    try:
        value = parse_value(text, origin)
    except RunError:
        return Reading((text,), origin)
    return Reading((value,) if value == text else (value, text), origin)


def _checked(
    pipeline: Pipeline,
    keys: Keys,
    readings: Mapping[str, Reading],
    environment: str | None,
    wanted: set[str],
    shown: str,
) -> Config:
    values: dict[str, ConfigValue] = {}
    arguments: dict[str, dict[str, Any]] = {}
    for stage in pipeline.stages:
        hints = annotations_of(stage)
        arguments[stage.name] = {}
        for argument, key in stage.params.items():
            reading = readings.get(key)
            if reading is None:
                if stage.name in wanted:
                    raise RunError(
                        f"{key} has no value; stage {stage.name} needs it ({argument}): set it in {shown}/base.yaml"
                    )
                continue
            value = checked(reading.values, hints.get(argument, Any), f"{reading.origin}: {key}")
            arguments[stage.name][argument] = value
            values[key] = _value(key, value, reading)
    data_root = None
    if DATA_ROOT in readings:
        reading = readings[DATA_ROOT]
        data_root = checked(reading.values, str, f"{reading.origin}: {DATA_ROOT}")
        values[DATA_ROOT] = _value(DATA_ROOT, data_root, reading)
    thresholds: dict[str, dict[str, dict[str, float]]] = {gate: {} for gate in sorted(keys.thresholds)}
    for key, reading in readings.items():
        gate = keys.gate_of(key)
        if gate is not None and key not in keys.values:
            metric, _, bound = key[len(gate) + 1 :].rpartition(".")
            number = checked(reading.values, float, f"{reading.origin}: {key}")
            if number != number:
                raise RunError(f"{reading.origin}: {key}: a threshold must be a number, not NaN")
            thresholds[gate].setdefault(metric, {})[bound] = number
            values[key] = _value(key, number, reading)
    ordered = {key: values[key] for key in readings if key in values}
    return Config(ordered, arguments, thresholds, data_root, environment)


def _value(key: str, value: Any, reading: Reading) -> ConfigValue:
    """A value for the record: the plain data that YAML gave, unless the text reading was used."""
    plain = next((given for given in reading.values if given == value), reading.values[0])
    try:
        json.dumps(plain, default=str)
    except ValueError as error:
        raise RunError(f"{reading.origin}: {key}: the value refers to itself") from error
    origin = "--set" if reading.origin.startswith("--set ") else reading.origin
    return ConfigValue(plain, origin)
