"""The stages of a run as a drawing: layers from left to right, edges around what is not theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from nb2pipe.runtime import words
from nb2pipe.runtime.record import GateRecord, StageRecord

BOX_HEIGHT, GAP_X, GAP_Y, MARGIN, BEND_HEIGHT, GATE_HEIGHT = 54, 46, 30, 8, 14, 18
LETTER, LEAST_WIDTH = 8.1, 112

Edge = tuple[str, str]


@dataclass(frozen=True)
class Layout:
    """Where everything goes: the top left corner of each box, and the points that each edge passes."""

    boxes: Mapping[str, tuple[float, float]]
    edges: Mapping[Edge, tuple[tuple[float, float], ...]]
    box_width: float
    width: float
    height: float


def draw(stages: Sequence[StageRecord], gates: Sequence[GateRecord] = ()) -> str:
    """The graph as an SVG element; its colours come from the page's style sheet."""
    names = [stage.name for stage in stages]
    carried = edges_of(stages)
    plan = layout(names, carried)
    parts = [
        f'<svg class="graph" role="img" aria-labelledby="graph-title" viewBox="0 0 {plan.width:g} {plan.height:g}" '
        f'width="{plan.width:g}" height="{plan.height:g}" xmlns="http://www.w3.org/2000/svg">',
        f'<title id="graph-title">{escape(_in_words(stages, carried))}</title>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0.5 L8 4 L0 7.5 Z"/></marker></defs>',
    ]
    parts += [_edge(points, carried[edge]) for edge, points in plan.edges.items()]
    parts += [_box(stage, plan, [gate for gate in gates if gate.stage == stage.name]) for stage in stages]
    return "\n".join([*parts, "</svg>"])


def edges_of(stages: Iterable[StageRecord]) -> dict[Edge, list[str]]:
    """``(producer, consumer)`` -> names of the artifacts that cross."""
    stages = list(stages)
    known = {stage.name for stage in stages}
    found: dict[Edge, list[str]] = {}
    for stage in stages:
        for artifact in stage.inputs:
            producer, _, name = artifact.partition(".")
            if producer in known and producer != stage.name:
                found.setdefault((producer, stage.name), []).append(name)
    return found


def layout(names: Sequence[str], edges: Iterable[Edge]) -> Layout:
    """Each stage one layer behind the last that it needs; an edge over several layers has a bend in each of them."""
    edges = list(edges)
    layer = _layers(names, edges)
    slots: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in names:
        slots[layer[name]].append(name)
    chains: dict[Edge, list[str]] = {}
    for start, end in edges:
        bends = [f"{start}\0{end}\0{depth}" for depth in range(layer[start] + 1, layer[end])]
        for depth, bend in enumerate(bends, start=layer[start] + 1):
            slots[depth].append(bend)
        chains[start, end] = [start, *bends, end]
    _untangle(slots, chains)
    width = max([LEAST_WIDTH, *(len(name) * LETTER + 28 for name in names)])
    heights = [sum(_height(slot) for slot in column) + GAP_Y * (len(column) - 1) for column in slots]
    tallest = max(heights, default=0.0)
    corners: dict[str, tuple[float, float]] = {}
    for depth, column in enumerate(slots):
        y = MARGIN + (tallest - heights[depth]) / 2
        for slot in column:
            corners[slot] = (MARGIN + depth * (width + GAP_X), y)
            y += _height(slot) + GAP_Y
    return Layout(
        boxes={name: corners[name] for name in names},
        edges={edge: _points(chain, corners, width) for edge, chain in chains.items()},
        box_width=width,
        width=2 * MARGIN + max(len(slots) * (width + GAP_X) - GAP_X, 0),
        height=2 * MARGIN + tallest + GATE_HEIGHT,
    )


def _layers(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    layer = dict.fromkeys(names, 0)
    for _ in names:  # at most once per stage; a cycle, which no pipeline has, would end as well
        for start, end in edges:
            layer[end] = min(max(layer[end], layer[start] + 1), len(names) - 1)
    return layer


def _untangle(slots: list[list[str]], chains: Mapping[Edge, Sequence[str]]) -> None:
    """Order each layer by the mean place of its neighbours, a few times there and back."""
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for chain in chains.values():
        for left, right in pairwise(chain):
            before.setdefault(right, []).append(left)
            after.setdefault(left, []).append(right)
    for _ in range(3):
        for neighbours, columns in ((before, slots), (after, slots[::-1])):
            place: dict[str, float] = {}
            for column in columns:
                wanted = {slot: _mean([place.get(n, 0.0) for n in neighbours.get(slot, ())]) for slot in column}
                column.sort(key=wanted.__getitem__)
                middle = (len(column) - 1) / 2
                place.update({slot: number - middle for number, slot in enumerate(column)})


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _height(slot: str) -> float:
    return BEND_HEIGHT if "\0" in slot else BOX_HEIGHT


def _points(
    chain: Sequence[str], corners: Mapping[str, tuple[float, float]], width: float
) -> tuple[tuple[float, float], ...]:
    points: list[tuple[float, float]] = []
    for number, slot in enumerate(chain):
        x, y = corners[slot]
        middle = y + _height(slot) / 2
        if number > 0:
            points.append((x, middle))
        if number < len(chain) - 1:
            points.append((x + width, middle))
    return tuple(points)


def _edge(points: Sequence[tuple[float, float]], artifacts: Sequence[str]) -> str:
    (x, y), *rest = points
    path = [f"M{x:g} {y:g}"]
    for number, (next_x, next_y) in enumerate(rest):
        if number % 2:  # along a bend
            path.append(f"L{next_x:g} {next_y:g}")
        else:
            half = (x + next_x) / 2
            path.append(f"C{half:g} {y:g} {half:g} {next_y:g} {next_x:g} {next_y:g}")
        x, y = next_x, next_y
    title = escape(", ".join(artifacts))
    return f'<path class="edge" d="{" ".join(path)}" marker-end="url(#tip)"><title>{title}</title></path>'


def _box(stage: StageRecord, plan: Layout, gates: Sequence[GateRecord]) -> str:
    x, y = plan.boxes[stage.name]
    status = escape(str(stage.status))
    took = "" if stage.seconds is None else f" · {words.duration(stage.seconds)}"
    middle = x + plan.box_width / 2
    lines = [
        f'<g class="box {status.replace(" ", "-")}">',
        f'<rect x="{x:g}" y="{y:g}" width="{plan.box_width:g}" height="{BOX_HEIGHT}" rx="9"/>',
        f'<text class="name" x="{middle:g}" y="{y + 23:g}" text-anchor="middle">{escape(stage.name)}</text>',
        f'<text class="state" x="{middle:g}" y="{y + 41:g}" text-anchor="middle">{status}{took}</text>',
    ]
    for number, gate in enumerate(gates):
        text = f"◆ gate {words.decision(gate)}"
        lines.append(
            f'<text class="gate {"yes" if gate.passed else "no"}" x="{middle:g}" '
            f'y="{y + BOX_HEIGHT + 15 + 14 * number:g}" text-anchor="middle">{text}'
            f"<title>{escape(gate.name)}</title></text>"
        )
    return "\n".join([*lines, "</g>"])


def _in_words(stages: Sequence[StageRecord], carried: Mapping[Edge, Sequence[str]]) -> str:
    states = "; ".join(f"{stage.name} {stage.status}" for stage in stages)
    flows = "; ".join(f"{start} to {end}: {', '.join(names)}" for (start, end), names in carried.items())
    return f"Stages: {states}. What crosses: {flows or 'nothing'}."
