"""The templates of the generated package: jinja2 files, in the wheel or in a checkout.

What comes from the notebook goes through the filter of the place where it stands, so that it stays text there.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nb2pipe.emit.source import quoted

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).resolve().parent
PLACES = (HERE.parent / "templates", HERE.parents[1] / "templates")


@cache
def environment(brackets: bool = False) -> Environment:
    """Where templates are looked up; a name that a template does not get is an error.

    ``brackets`` makes ``[[ ]]`` and ``[% %]`` the marks, for files in which braces mean something themselves.
    """
    import jinja2

    loader = jinja2.FileSystemLoader([place / "package" for place in PLACES])
    made = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    made.filters.update(toml=toml, markdown=markdown, docstring=docstring)
    if not brackets:
        return made
    return made.overlay(
        variable_start_string="[[", variable_end_string="]]", block_start_string="[%", block_end_string="%]"
    )


def one_line(text: str) -> str:
    """Text on one line, without characters that cannot be seen or cannot be written as UTF-8."""
    seen = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return seen.strip()


def toml(text: str) -> str:
    """A basic string of TOML, quotes included."""
    return json.dumps(one_line(text), ensure_ascii=False)


def markdown(text: str) -> str:
    """Words of a paragraph, a heading or a table's cell, in which every character means itself."""
    return re.sub(r"([\\`*_{}\[\]<>#|&~$])", r"\\\1", one_line(text))


def docstring(text: str) -> str:
    """A one-line docstring, quotes included."""
    line = one_line(text)
    return quoted(line if line.endswith((".", "?", "!")) else f"{line}.")
