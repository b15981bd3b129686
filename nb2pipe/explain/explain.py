"""The explanation of a notebook, put together: cells, stages, what crosses between them, and why."""

from __future__ import annotations

from nb2pipe.explain.cells import CellFlow, cell_flows
from nb2pipe.explain.fates import code_fates, destinations, prose_fates
from nb2pipe.explain.model import CellView, Explanation, Fate, Outcome
from nb2pipe.explain.stages import crossings_of, stage_views
from nb2pipe.notebook import Cell, CellKind, Role
from nb2pipe.pipeline import Planned


def explain(planned: Planned) -> Explanation:
    """What became of every cell of a notebook that was planned, also where the plan is to refuse."""
    draft = planned.draft
    flows = cell_flows(draft.facts)
    found = destinations(draft, planned.pipeline)
    prose = prose_fates(draft)
    homes = {cell.number: block.name for block in draft.blocks for cell in block.cells}
    cells: list[CellView] = []
    for cell in draft.facts.notebook.cells:
        fates = code_fates(cell, found) if cell.kind is CellKind.CODE else (prose[cell.number],)
        cells.append(_cell(cell, fates, flows.get(cell.number, CellFlow()), homes.get(cell.number)))
    return Explanation(
        name=draft.facts.notebook.name,
        cells=tuple(cells),
        stages=stage_views(draft, planned.pipeline),
        crossings=crossings_of(draft, flows),
        findings=planned.findings,
        converts=planned.pipeline is not None,
    )


def _cell(cell: Cell, fates: tuple[Fate, ...], flow: CellFlow, home: str | None) -> CellView:
    in_stage = cell.role is Role.STAGE or any(fate.outcome is Outcome.STAGE for fate in fates)
    return CellView(
        number=cell.number,
        index=cell.index,
        role=str(cell.role) if cell.role else str(cell.kind),
        stage=home if in_stage else None,
        source=cell.source,
        tags=cell.tags,
        fates=fates,
        reads=tuple(sorted(flow.reads)),
        binds=tuple(sorted(flow.binds)),
        changes=tuple(sorted(flow.changes.items())),
        may_change=tuple(sorted(flow.may_change)),
        uses=tuple(sorted(flow.uses)),
        defines=tuple(sorted(flow.defines)),
        imports=tuple(sorted(flow.imports)),
    )
