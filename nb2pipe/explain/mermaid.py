"""The stages and what crosses between them, as the text of a mermaid graph."""

from __future__ import annotations

from nb2pipe.explain.model import Explanation


def mermaid(explanation: Explanation) -> str:
    """One node per stage, one edge per pair of stages; the names that cross are the edge's label."""
    lines = ["flowchart TD"]
    lines += [f'    {_node(stage.name)}["{stage.name}"]' for stage in explanation.stages]
    for (source, target), names in edges(explanation).items():
        lines.append(f'    {_node(source)} -->|"{", ".join(names)}"| {_node(target)}')
    return "\n".join(lines)


def edges(explanation: Explanation) -> dict[tuple[str, str], list[str]]:
    """``(producer, consumer)`` -> the names that cross."""
    found: dict[tuple[str, str], list[str]] = {}
    for crossing in explanation.crossings:
        if crossing.target is not None:
            found.setdefault((crossing.source, crossing.target), []).append(crossing.name)
    return found


def _node(stage: str) -> str:
    """An id that no word of mermaid's collides with."""
    return f"stage_{stage}"
