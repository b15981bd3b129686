"""An explanation as one page of HTML that needs no network. Whatever the notebook holds stays text on it."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from nb2pipe.explain.drawing import draw
from nb2pipe.explain.model import CellView, Explanation, Fate

HERE = Path(__file__).resolve().parent
PLACES = (HERE.parent / "templates", HERE.parents[1] / "templates")


#: Control characters, and those that turn the direction of what follows: nobody can see what they do to a page.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Line:
    """A line of a cell on the page, with what became of it; ``fate`` is ``None`` between statements."""

    number: int
    text: str
    fate: Fate | None


def page(explanation: Explanation) -> str:
    """The whole page."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PLACES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template("explain.html.j2")
    graph = Markup(draw(explanation))  # every text in it is escaped
    text = template.render(
        explanation=explanation, graph=graph, lines={c.number: lines_of(c) for c in explanation.cells}
    )
    return _UNSEEN.sub("�", text)


def lines_of(cell: CellView) -> tuple[Line, ...]:
    """The lines of a cell. A fate of part of the cell wins over that of the whole."""
    fates = sorted(cell.fates, key=lambda f: f.last - f.first)
    return tuple(
        Line(number, text, next((f for f in fates if f.first <= number <= f.last), None))
        for number, text in enumerate(cell.source.split("\n"), start=1)
    )


def write_page(path: Path, text: str) -> None:
    """All of the page or nothing: it is written beside its place, synced, then renamed.

    Raises:
        OSError: when the place cannot be written to.
    """
    temporary = path.parent / f".{path.name[:100]}.{secrets.token_hex(4)}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(text.encode("utf-8", errors="backslashreplace"))  # what is no Unicode is escaped
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
