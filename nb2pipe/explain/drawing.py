"""The stages as a drawing: one below the other in notebook order, what crosses between them as arrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from nb2pipe.explain.mermaid import edges
from nb2pipe.explain.model import Explanation, StageView

BOX_WIDTH, BOX_HEIGHT, GAP, MARGIN, LANE = 460, 66, 38, 10, 20
LONGEST_LINE = 62

Edge = tuple[str, str]


def draw(explanation: Explanation) -> str:
    """An SVG element; its colours come from the page's style sheet. Every text in it is escaped."""
    stages = explanation.stages
    row = {stage.name: number for number, stage in enumerate(stages)}
    carried = edges(explanation)
    lanes = lanes_of([(row[one], row[other]) for one, other in carried if row[other] - row[one] > 1])
    width = 2 * MARGIN + BOX_WIDTH + LANE * (max(lanes.values(), default=-1) + 2)
    height = 2 * MARGIN + len(stages) * (BOX_HEIGHT + GAP) - GAP
    parts = [
        f'<svg class="graph" role="img" aria-labelledby="graph-title" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" xmlns="http://www.w3.org/2000/svg">',
        f'<title id="graph-title">{escape(_in_words(stages, carried))}</title>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0.5 L8 4 L0 7.5 Z"/></marker></defs>',
    ]
    for (one, other), names in carried.items():
        parts.append(_edge(row[one], row[other], names, lanes))
    parts += [_box(stage, number, explanation) for number, stage in enumerate(stages)]
    return "\n".join([*parts, "</svg>"])


def lanes_of(spans: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """A lane beside the boxes for each arrow that passes some of them; short ones inside, no two on one line."""
    taken: list[list[tuple[int, int]]] = []
    found: dict[tuple[int, int], int] = {}
    for span in sorted(set(spans), key=lambda s: (s[1] - s[0], s)):
        free = (n for n, lane in enumerate(taken) if all(span[1] <= a or b <= span[0] for a, b in lane))
        number = next(free, len(taken))
        if number == len(taken):
            taken.append([])
        taken[number].append(span)
        found[span] = number
    return found


def _edge(start: int, end: int, names: Sequence[str], lanes: Mapping[tuple[int, int], int]) -> str:
    title = f"<title>{escape(', '.join(names))}</title>"
    if end - start == 1:
        x, top = MARGIN + BOX_WIDTH / 2, _top(start) + BOX_HEIGHT
        label = escape(_cut(", ".join(names), LONGEST_LINE // 2))
        return (
            f'<path class="edge" d="M{x:g} {top} V{_top(end)}" marker-end="url(#tip)">{title}</path>'
            f'<text class="label" x="{x + 10:g}" y="{top + GAP / 2 + 4:g}">{label}{title}</text>'
        )
    right = MARGIN + BOX_WIDTH
    x = right + LANE * (lanes[start, end] + 1)
    leave, enter = _top(start) + BOX_HEIGHT * 0.7, _top(end) + BOX_HEIGHT * 0.3
    path = f"M{right} {leave:g} H{x - 8} q8 0 8 8 V{enter - 8:g} q0 8 -8 8 H{right}"
    return f'<path class="edge" d="{path}" marker-end="url(#tip)">{title}</path>'


def _box(stage: StageView, number: int, explanation: Explanation) -> str:
    top, x = _top(number), MARGIN + 16
    takes = ", ".join(c.name for c in explanation.into(stage.name)) or "nothing from other stages"
    hands = ", ".join(stage.outputs) or "nothing"
    lines = [
        f'<a href="#stage-{escape(stage.name)}"><g class="box">',
        f'<rect x="{MARGIN}" y="{top}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="9"/>',
        f'<text class="name" x="{x}" y="{top + 22}">{escape(stage.name)}</text>',
        f'<text class="small" x="{x}" y="{top + 40}">takes {escape(_cut(takes))}</text>',
        f'<text class="small" x="{x}" y="{top + 56}">hands on {escape(_cut(hands))}</text>',
        "</g></a>",
    ]
    return "\n".join(lines)


def _top(number: int) -> int:
    return MARGIN + number * (BOX_HEIGHT + GAP)


def _cut(text: str, longest: int = LONGEST_LINE) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _in_words(stages: Sequence[StageView], carried: Mapping[Edge, Sequence[str]]) -> str:
    flows = "; ".join(f"{one} to {other}: {', '.join(names)}" for (one, other), names in carried.items())
    return f"Stages: {', '.join(stage.name for stage in stages)}. What crosses: {flows or 'nothing'}."
