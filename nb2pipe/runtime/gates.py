"""Gates: checks that stop everything downstream when they fail. No answer counts as "no"."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from nb2pipe.runtime.definition import DataQuality, Evaluation, Gate
from nb2pipe.runtime.metrics import number
from nb2pipe.runtime.record import CheckRecord, FailureRecord, GateRecord

BOUNDS = {"min": ">=", "max": "<="}


def check_tables(gate: DataQuality, tables: Mapping[str, Any]) -> GateRecord:
    """The decision of a data quality gate over ``tables``, keyed by artifact (``load_data.flights``)."""
    from nb2pipe.runtime.tables import check_table

    subjects = _short_names(gate.schemas)
    checks: list[CheckRecord] = []
    for artifact, schema in gate.schemas.items():
        if artifact in tables:
            checks.extend(check_table(subjects[artifact], schema, tables[artifact]))
        else:
            checks.append(CheckRecord(subjects[artifact], "is there", False, f"no artifact {artifact} in this run"))
    return GateRecord(
        name=gate.name,
        kind="data_quality",
        stage=gate.before,
        passed=all(check.passed for check in checks),
        message=_summary(checks) if checks else "no schemas are set",
        checks=tuple(checks),
    )


def check_metrics(
    gate: Evaluation, thresholds: Mapping[str, Mapping[str, float]], metrics: Mapping[str, float]
) -> GateRecord:
    """The decision of an evaluation gate: ``thresholds`` is ``metric -> {min: ..., max: ...}``."""
    checks = tuple(_metric_checks(thresholds, metrics, gate.thresholds))
    return GateRecord(
        name=gate.name,
        kind="evaluation",
        stage=gate.after,
        passed=all(check.passed for check in checks),
        message=_summary(checks) if checks else f"no thresholds are set ({gate.thresholds} is empty)",
        checks=checks,
    )


def assertion_said_no(gate: Gate, failure: FailureRecord) -> GateRecord:
    """A "no" that an ``assert`` of the notebook gave, with the place where it stands."""
    place = failure.trace[-1] if failure.trace else None
    stage = gate.before if isinstance(gate, DataQuality) else gate.after
    code = place.code.strip() if place else ""
    message = failure.message.strip() or code or failure.type
    return GateRecord(
        name=gate.name,
        kind="data_quality" if isinstance(gate, DataQuality) else "evaluation",
        stage=stage,
        passed=False,
        message=message.splitlines()[0],
        checks=(CheckRecord(stage, code or "assert", passed=False, observed=message),),
        place=place,
    )


def describe(check: CheckRecord) -> str:
    """A failed check in one line: ``flights.month: 3 rows outside in_range(1, 12), first: row 17 (13)``."""
    if not check.failing_count:
        return f"{check.subject}: {check.observed or 'not so'} (asked: {check.rule})"
    one = check.failing_count == 1
    rows = "1 row" if one else f"{check.failing_count} rows"
    rule = f"outside {check.rule}" if check.rule.endswith(")") else f"{'fails' if one else 'fail'} {check.rule!r}"
    first = f", first: row {check.failing_rows[0]}" if check.failing_rows else ""
    return f"{check.subject}: {rows} {rule}{first}"


def _summary(checks: list[CheckRecord] | tuple[CheckRecord, ...]) -> str:
    failed = [check for check in checks if not check.passed]
    if not failed:
        return "1 check passed" if len(checks) == 1 else f"{len(checks)} checks passed"
    more = f" (and {len(failed) - 1} more of {len(checks)} checks failed)" if len(failed) > 1 else ""
    return describe(failed[0]) + more


def _short_names(artifacts: Mapping[str, Any]) -> dict[str, str]:
    """Artifact -> its name without the stage, where no other artifact has the same."""
    names = Counter(artifact.rpartition(".")[2] for artifact in artifacts)
    return {artifact: short if names[short := artifact.rpartition(".")[2]] == 1 else artifact for artifact in artifacts}


def _metric_checks(thresholds: Any, metrics: Mapping[str, float], where: str) -> Iterator[CheckRecord]:
    if thresholds is None:
        return
    if not isinstance(thresholds, Mapping):
        yield CheckRecord(where, "metric -> {min: ..., max: ...}", False, f"the config has {thresholds!r}")
        return
    for metric, bounds in thresholds.items():
        name = str(metric)
        if not isinstance(bounds, Mapping):
            yield CheckRecord(name, "{min: ..., max: ...}", False, f"the config has {bounds!r}")
        elif not bounds:
            yield CheckRecord(name, "{min: ..., max: ...}", False, "neither min nor max is set")
        else:
            for bound, limit in bounds.items():
                yield _metric_check(name, str(bound), limit, metrics)


def _metric_check(metric: str, bound: str, limit: Any, metrics: Mapping[str, float]) -> CheckRecord:
    if bound not in BOUNDS:
        return CheckRecord(metric, bound, False, f"unknown threshold {bound!r}: use min or max")
    wanted = number(limit)
    if wanted is None or math.isnan(wanted):
        return CheckRecord(metric, f"{BOUNDS[bound]} {limit}", False, f"the threshold {limit!r} is not a number")
    rule = f"{BOUNDS[bound]} {wanted:g}" if float(f"{wanted:g}") == wanted else f"{BOUNDS[bound]} {wanted!r}"
    if metric not in metrics:
        return CheckRecord(metric, rule, False, f"no metric of this name; there are: {_listed(metrics)}")
    seen = number(metrics[metric])
    if seen is None:
        return CheckRecord(metric, rule, False, f"the metric is {metrics[metric]!r}, not a number")
    if not math.isfinite(seen):
        return CheckRecord(metric, rule, False, f"the metric is {seen}")
    return CheckRecord(metric, rule, seen >= wanted if bound == "min" else seen <= wanted, f"{seen!r}")


def _listed(names: Mapping[str, float], most: int = 8) -> str:
    shown = ", ".join(sorted(map(str, names))[:most]) or "none"
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
