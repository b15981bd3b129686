"""The templates of the generated package: jinja2 files, in the wheel or in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

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
    if not brackets:
        return made
    return made.overlay(
        variable_start_string="[[", variable_end_string="]]", block_start_string="[%", block_end_string="%]"
    )
