"""The report: complete, self-contained, escaped, and drawn without overlaps."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nb2pipe.runtime.graph import BOX_HEIGHT, draw, layout
from nb2pipe.runtime.record import (
    ArtifactRecord,
    CheckRecord,
    ConfigValue,
    DataVersion,
    FailureRecord,
    FigureRecord,
    GateRecord,
    ModelVersion,
    RunRecord,
    SourcePlace,
    StageRecord,
    Status,
)
from nb2pipe.runtime.report import MetricTable, metric_tables, render_report

EVIL = "<script>alert(1)</script>&\"'"
LOAD = StageRecord(
    name="load_data",
    kind="load_data",
    status=Status.DONE,
    seconds=1.5,
    cpu_seconds=2.0,
    peak_memory=300_000_000,
    outputs=(ArtifactRecord("load_data.flights", "f" * 64, 1_200_000, "parquet", "pandas.DataFrame", "5 rows"),),
    figures=(FigureRecord("load_data", "figures/load_data-1.png", "Delays"),),
    cells=(2, 3),
)
TRAIN = StageRecord("train", "train", Status.NOT_STARTED, inputs=("load_data.flights",))
RECORD = RunRecord(
    run_id="run-1",
    pipeline="flights",
    status=Status.DONE,
    exit_code=0,
    trigger="manual",
    experiment_id=None,
    environment=None,
    started="2026-01-01T10:00:00+00:00",
    seconds=2.0,
    command=("run",),
    versions={"pandas": "3.1.1"},
    commit=None,
    dirty=None,
    notebook_digest=None,
    config={"train.seed": ConfigValue(7, "--set")},
    data=(DataVersion("load.path", "data/f.csv", "e" * 64, 10),),
    stages=(LOAD, TRAIN),
    metrics={"auc": 0.75},
)
FAILURE = FailureRecord(
    "ValueError",
    f"bad {EVIL}",
    (SourcePlace("flights/stages/train.py", 31, "    fit(X)", 14, 3), SourcePlace("flights/helpers.py", 9, "raise")),
    "Traceback: all of it",
)


class Page(HTMLParser):
    """The page's tags, attributes and visible text."""

    VOID = frozenset({"meta", "link", "img", "path", "rect"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text += " "
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def page(tmp_path: Path, **changes: Any) -> Page:
    return Page(render_report(replace(RECORD, **changes), tmp_path))


def test_every_tag_is_closed(tmp_path: Path) -> None:
    assert page(tmp_path).open == []


def test_nothing_is_fetched_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "load_data-1.png").write_bytes(b"png")
    found = page(tmp_path)
    links = [v for _, attrs in found.tags for name, v in attrs.items() if name in ("src", "href") and v]
    assert all(link.startswith(("data:", "#")) for link in links)
    assert "data:image/png;base64,cG5n" in links
    assert "script" not in {tag for tag, _ in found.tags}


def test_every_picture_and_table_says_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "load_data-1.png").write_bytes(b"png")
    found = page(tmp_path)
    tags = [tag for tag, _ in found.tags]
    assert tags.count("table") == tags.count("caption")
    assert [attrs["alt"] for tag, attrs in found.tags if tag == "img"] == ["Delays, drawn by the stage load_data"]


def test_links_inside_the_page_lead_somewhere(tmp_path: Path) -> None:
    found = page(tmp_path)
    ids = {attrs.get("id") for _, attrs in found.tags}
    assert {attrs["href"][1:] for tag, attrs in found.tags if tag == "a" and attrs["href"]} <= ids


@pytest.mark.parametrize(
    "text",
    [
        "All of 2 stages done in 2.00 s.",
        "1 January 2026, 10:00:00 UTC",
        "load_data.flights 5 rows DataFrame parquet",
        "1.2 MB",
        "300 MB",
        "auc 0.7500",
        "train.seed 7 --set",
        "data/f.csv load.path",
        "pandas 3.1.1",
        "This run registered no model version.",
        "The file figures/load_data-1.png is not there.",
    ],
)
def test_the_page_says(tmp_path: Path, text: str) -> None:
    assert text in page(tmp_path).text


def test_text_from_outside_is_escaped_everywhere(tmp_path: Path) -> None:
    place = SourcePlace(EVIL, 1, EVIL, 1, 1)
    stage = replace(
        LOAD,
        name=EVIL,
        status=Status.FAILED,
        outputs=(ArtifactRecord(EVIL, EVIL, 1, EVIL, EVIL, EVIL),),
        figures=(FigureRecord(EVIL, EVIL, EVIL),),
        log=EVIL,
        failure=FailureRecord(EVIL, EVIL, (place,), EVIL),
    )
    texts = ("run_id", "pipeline", "trigger", "experiment_id", "environment", "started")
    more = ("commit", "notebook_digest", "tracking_uri", "mlflow_run_id", "message")
    check = CheckRecord(EVIL, EVIL, False, EVIL, (EVIL,), 1)
    changes: dict[str, Any] = dict.fromkeys((*texts, *more), EVIL)
    record = replace(
        RECORD,
        **changes,
        command=(EVIL,),
        versions={EVIL: EVIL},
        config={EVIL: ConfigValue([EVIL], EVIL)},
        data=(DataVersion(EVIL, EVIL, EVIL, 1),),
        stages=(stage, replace(TRAIN, inputs=(f"{EVIL}.{EVIL}",))),
        gates=(GateRecord(EVIL, "evaluation", EVIL, False, EVIL, (check,), place),),
        metrics={EVIL: 1.0, f"{EVIL}.{EVIL}": 2.0},
        model=ModelVersion(EVIL, EVIL, EVIL, EVIL, EVIL, EVIL),
    )
    html = render_report(record, tmp_path)
    assert "<script" not in html
    assert Page(html).open == []


def test_a_failure_shows_the_notebooks_place_beside_the_packages(tmp_path: Path) -> None:
    failed = replace(TRAIN, status=Status.FAILED, failure=FAILURE)
    text = page(tmp_path, status=Status.FAILED, stages=(LOAD, failed)).text
    assert "cell 14, line 3 flights/stages/train.py:31 fit(X)" in text
    assert "Full traceback Traceback: all of it" in text


def test_a_gate_shows_the_rows_that_fell_short(tmp_path: Path) -> None:
    check = CheckRecord("flights.month", "in_range(1, 12)", False, "12 of 20 rows", ("17 (13)", "18 (0)"), 12)
    gate = GateRecord("data_quality", "data_quality", "train", False, "12 rows", (check,))
    text = page(tmp_path, status=Status.STOPPED, gates=(gate,)).text
    assert "Stopped after 2.00 s: the gate data_quality said no." in text
    assert "row 17 (13), row 18 (0), and 10 more" in text


def test_a_model_version_says_how_to_load_it(tmp_path: Path) -> None:
    model = ModelVersion("flights", "3", "challenger", "models:/flights/3", "sqlite:///m.db", "r")
    text = page(tmp_path, model=model).text
    assert 'mlflow.set_tracking_uri("sqlite:///m.db") model = mlflow.pyfunc.load_model("models:/flights/3")' in text


def test_the_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    assert render_report(RECORD, tmp_path) == render_report(RECORD, tmp_path)


def test_an_empty_run_has_a_report_too(tmp_path: Path) -> None:
    assert "None." in page(tmp_path, stages=(), metrics={}, config={}, data=(), versions={}).text


def test_slices_become_one_table() -> None:
    metrics = {"auc": 0.5, "by.AA.auc": 0.25, "by.AA.rows": 1000.0, "by.UA.auc": 0.125, "by.UA.rows": 2.0}
    assert metric_tables(metrics) == (
        MetricTable("Overall", ("value",), (("auc", ("0.5000",)),)),
        MetricTable("by", ("auc", "rows"), (("AA", ("0.2500", "1\u202f000")), ("UA", ("0.1250", "2")))),
    )


@pytest.mark.parametrize("metrics", [{"by.AA.auc": 1.0, "by.UA.f1": 1.0}, {"by.0.5": 1.0}, {"by.AA": float("nan")}])
def test_names_that_fill_no_rectangle_are_listed(metrics: dict[str, float]) -> None:
    assert [name for name, _ in metric_tables(metrics)[0].rows] == [name.partition(".")[2] for name in metrics]


EDGES = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d"), ("a", "e"), ("d", "e")]


def test_edges_run_from_left_to_right() -> None:
    plan = layout("abcde", EDGES)
    assert all(plan.boxes[start][0] + plan.box_width < plan.boxes[end][0] for start, end in EDGES)


def test_no_edge_passes_through_a_box() -> None:
    plan = layout("abcde", EDGES)
    for edge, points in plan.edges.items():
        for name, (x, y) in plan.boxes.items():
            if name not in edge:
                assert not any(x <= px <= x + plan.box_width and y <= py <= y + BOX_HEIGHT for px, py in points)


def test_boxes_do_not_overlap() -> None:
    plan = layout("abcdef", [("a", name) for name in "bcdef"])
    places = sorted(y for _, y in (plan.boxes[name] for name in "bcdef"))
    assert all(after - before >= BOX_HEIGHT for before, after in pairwise(places))


def test_the_drawing_has_a_text_for_those_who_cannot_see_it() -> None:
    assert "What crosses: load_data to train: flights." in draw([LOAD, TRAIN])


def test_the_drawing_needs_no_stages() -> None:
    assert re.match(r'<svg class="graph" role="img"', draw([]))
