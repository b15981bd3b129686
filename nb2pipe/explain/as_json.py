"""An explanation as data for scripts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from nb2pipe.explain.model import CellView, Explanation, StageView


def as_data(explanation: Explanation) -> dict[str, Any]:
    """Cells and stages, with reasons beside them. Code cells are named by ``index``, counted from 0."""
    index = {cell.number: cell.index for cell in explanation.cells}
    return {
        "notebook": explanation.name,
        "converts": explanation.converts,
        "cells": [_cell(cell) for cell in explanation.code_cells],
        "stages": [_stage(stage, index) for stage in explanation.stages],
        "crossings": [
            {"name": c.name, "from": c.source, "to": c.target, "reasons": list(c.reasons)}
            for c in explanation.crossings
        ],
        "prose": [
            {"number": cell.number, "role": cell.role, "became": _fates(cell)}
            for cell in explanation.cells
            if cell.index is None
        ],
        "diagnostics": [asdict(finding) for finding in explanation.findings],
    }


def _cell(cell: CellView) -> dict[str, Any]:
    return {
        "index": cell.index,
        "number": cell.number,
        "role": cell.role,
        "stage": cell.stage,
        "reads": list(cell.reads),
        "binds": list(cell.binds),
        "mutates": list(cell.mutates),
        "may_mutate": list(cell.may_change),
        "uses": list(cell.uses),
        "defines": list(cell.defines),
        "imports": list(cell.imports),
        "reasons": {name: str(change) for name, change in cell.changes},
        "became": _fates(cell),
    }


def _fates(cell: CellView) -> list[dict[str, Any]]:
    return [{"lines": [f.first, f.last], "outcome": str(f.outcome), "why": f.why} for f in cell.fates]


def _stage(stage: StageView, index: dict[int, int | None]) -> dict[str, Any]:
    return {
        "name": stage.name,
        "kind": stage.kind,
        "inputs": list(stage.inputs),
        "outputs": list(stage.outputs),
        "cells": [index[number] for number in stage.cells],
        "parameters": [key for key, _ in stage.parameters],
        "notes": list(stage.notes),
    }
