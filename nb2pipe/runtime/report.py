"""The report of a run: one HTML file that needs nothing else, neither network nor scripts."""

from __future__ import annotations

import base64
import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nb2pipe.runtime import words
from nb2pipe.runtime.graph import draw
from nb2pipe.runtime.record import FigureRecord, RunRecord, StageRecord
from nb2pipe.runtime.templates import environment

LONGEST_VALUE = 400


@dataclass(frozen=True)
class MetricTable:
    """Metrics that belong together. ``rows`` have one cell per column; an empty cell is a metric that is not there."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def render_report(record: RunRecord, run_dir: Path) -> str:
    """The report as HTML; figures are read from ``run_dir`` and put into the page."""
    from markupsafe import Markup

    template = environment().get_template("report.html.j2")
    return template.render(
        run=record,
        words=words,
        graph=Markup(draw(record.stages, record.gates)),  # draw() escapes all text
        bars=_bars(record.stages),
        metric_tables=metric_tables(record.metrics),
        figures=[(figure, _data_uri(run_dir, figure)) for stage in record.stages for figure in stage.figures],
        failures=[stage for stage in record.stages if stage.failure is not None],
        value_text=value_text,
    )


def metric_tables(metrics: Mapping[str, float]) -> tuple[MetricTable, ...]:
    """Plain names in one table; dotted names in one table per first part, crossed where they fill a rectangle."""
    plain = {name: value for name, value in metrics.items() if "." not in name}
    groups: dict[str, dict[str, float]] = defaultdict(dict)
    for name, value in metrics.items():
        if "." in name:
            group, _, rest = name.partition(".")
            groups[group][rest] = value
    tables = [_listed("Overall", plain)] if plain else []
    return (*tables, *(_crossed(title, group) or _listed(title, group) for title, group in groups.items()))


def value_text(value: Any) -> str:
    """A config value in one line; what is very long is cut, and says so."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… ({len(text)} characters)"


def _listed(title: str, group: Mapping[str, float]) -> MetricTable:
    return MetricTable(title, ("value",), tuple((name, (_number(value),)) for name, value in group.items()))


def _crossed(title: str, group: Mapping[str, float]) -> MetricTable | None:
    """``AA.auc, AA.rows, UA.auc, UA.rows`` as two rows of two columns."""
    pairs = [name.rpartition(".") for name in group]
    rows = list(dict.fromkeys(row for row, _, _ in pairs))
    columns = list(dict.fromkeys(column for _, _, column in pairs))
    if not all(rows) or len(rows) * len(columns) != len(group) or any(column.isdigit() for column in columns):
        return None
    cells = tuple((row, tuple(_number(group[f"{row}.{column}"]) for column in columns)) for row in rows)
    return MetricTable(title, tuple(columns), cells)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", "\u202f")
    return f"{value:.4f}" if 0.001 <= abs(value) < 10_000 else f"{value:.4g}"


def _bars(stages: tuple[StageRecord, ...]) -> list[tuple[StageRecord, float]]:
    """Each stage with its share of the longest stage's time, in percent."""
    longest = max((stage.seconds or 0.0 for stage in stages), default=0.0) or 1.0
    return [(stage, 100 * (stage.seconds or 0.0) / longest) for stage in stages]


def _data_uri(run_dir: Path, figure: FigureRecord) -> str | None:
    try:
        return "data:image/png;base64," + base64.b64encode((run_dir / figure.path).read_bytes()).decode("ascii")
    except OSError:
        return None
