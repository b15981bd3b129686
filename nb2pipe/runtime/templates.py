"""Where the templates are, and how they are filled.

A checkout keeps them in its top-level ``templates/``; the wheel ships that folder as ``nb2pipe/templates``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE = Path(__file__).resolve().parent.parent


def templates_folder() -> Path:
    """The folder that holds the templates: the wheel's when it is there, else the checkout's."""
    candidates = (_PACKAGE / "templates", _PACKAGE.parent / "templates")
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"no templates in any of: {', '.join(map(str, candidates))}; reinstall nb2pipe")


def environment() -> Environment:
    """A jinja2 environment: an unknown name is an error, and HTML is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(templates_folder()),
        autoescape=select_autoescape(enabled_extensions=("html", "html.j2", "xml", "svg"), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
