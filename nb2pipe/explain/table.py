"""An explanation for people at a terminal: plain text in a pipe, colours where they are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from nb2pipe.explain.model import CellView, Explanation, Fate, Outcome, StageView
from nb2pipe.explain.words import cells_in_words, short

if TYPE_CHECKING:
    from rich.console import RenderableType

PIPE_WIDTH = 120
NARROW = 100
COLOURS = {
    Outcome.STAGE: "green",
    Outcome.PARAMETER: "cyan",
    Outcome.HELPER: "blue",
    Outcome.GATE: "magenta",
    Outcome.SKIPPED: "yellow",
    Outcome.REFUSED: "red",
}


def print_explanation(explanation: Explanation, file: TextIO | None = None) -> None:
    """A table of the cells, what became of every line, and the stages with the reasons of what crosses."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=file, highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        for part in _parts(explanation, console.width):
            console.print(part)
        return
    console = Console(file=file, highlight=False, markup=False, emoji=False, width=PIPE_WIDTH)
    for part in _parts(explanation, PIPE_WIDTH):  # for grep and for files: not wrapped, not filled with blanks
        with console.capture() as captured:
            console.print(part, soft_wrap=isinstance(part, Text))
        console.file.write("\n".join(line.rstrip() for line in captured.get().split("\n")))


def _parts(explanation: Explanation, width: int) -> Iterator[RenderableType]:
    from rich.text import Text

    yield _cells(explanation, width)
    yield Text("What became of every line", style="bold")
    for cell in explanation.cells:
        for fate in cell.fates:
            yield _fate(cell, fate)
    for stage in explanation.stages:
        yield Text("")
        yield from _stage(stage, explanation)


def _cells(explanation: Explanation, width: int) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title=f"Cells of {explanation.name}", title_justify="left", title_style="bold")
    table.add_column("cell", justify="right", no_wrap=True)
    table.add_column("part of", no_wrap=True)
    table.add_column("first line", width=24 if width >= NARROW else 10, no_wrap=True, overflow="ellipsis")
    for heading in ("reads", "binds", "changes"):
        table.add_column(heading, overflow="fold", ratio=1, min_width=9)
    for cell in explanation.code_cells:
        changes = [f"{name} (line {change.place.line})" for name, change in cell.changes]
        texts = (
            cell.stage or cell.role,
            short(visible(cell.first_line)),
            ", ".join(cell.reads),
            ", ".join(cell.binds),
            ", ".join(changes),
        )
        style = "" if cell.stage else "dim"
        table.add_row(str(cell.number), *(Text(text) for text in texts), style=style)
    return table


def _fate(cell: CellView, fate: Fate) -> RenderableType:
    from rich.text import Text

    lines = f"line {fate.first}" if fate.first == fate.last else f"lines {fate.first}–{fate.last}"
    place = f"  cell {cell.number}, {lines}".ljust(24)
    return Text.assemble(place, (f"{fate.outcome!s:<10}", COLOURS.get(fate.outcome, "dim")), f" {visible(fate.why)}")


def _stage(stage: StageView, explanation: Explanation) -> Iterator[RenderableType]:
    from rich.text import Text

    cells = cells_in_words(stage.cells)
    kind = "" if stage.kind in (stage.name, "custom") else f", kind {stage.kind}"
    yield Text.assemble(("Stage ", "bold"), (stage.name, "bold green"), f" ({cells}{kind})")
    for crossing in explanation.into(stage.name):
        yield Text.assemble(
            "  takes ", (crossing.name, "cyan"), f" from {crossing.source}: {_reasons(crossing.reasons)}"
        )
    for key, where in stage.parameters:
        yield Text.assemble("  takes ", (key, "cyan"), f" from the config: {where}")
    for crossing in explanation.out_of(stage.name):
        to = crossing.target or "the record of the run"
        yield Text.assemble("  hands ", (crossing.name, "cyan"), f" to {to}: {_reasons(crossing.reasons)}")
    for note in stage.notes:
        yield Text(f"  {note}")


def _reasons(reasons: tuple[str, ...]) -> str:
    return visible("; ".join(reasons))


def visible(text: str) -> str:
    """Text without characters that would steer a terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)
