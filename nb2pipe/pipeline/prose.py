"""The notebook's own prose, made plain: markdown → text for docstrings, titles and comments."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from nb2pipe.notebook import CellKind, Notebook

LONGEST_TITLE = 120
DOC_WIDTH = 92
_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
_RULES = (
    (re.compile(r"!\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\([^)]*\)"), r"\1"),
    (re.compile(r"<!--.*?-->", re.DOTALL), ""),
    (re.compile(r"</?[A-Za-z][^<>]*>"), ""),
    (re.compile(r"^\s*[-*_]{3,}\s*$", re.MULTILINE), ""),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"\1"),
)


def plain(markdown: str) -> str:
    """Markdown without its markup; control characters and characters that no file can hold are dropped."""
    text = _FENCE.sub("", markdown)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = "".join(c for c in text if c == "\n" or c.isprintable())
    text = re.sub(r"^#{1,6}\s*(.*?)\s*#*\s*$", r"\1", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip()


def docstring_text(parts: Iterable[str]) -> str:
    """Markdown cells above a stage as the text of a docstring: a summary line, then the rest."""
    text = plain("\n\n".join(parts))
    if not text:
        return ""
    first, _, rest = text.partition("\n")
    summary = first.strip()
    if summary and summary[-1] not in ".!?:":
        summary += "."
    body = "\n".join(wrapped for line in rest.strip("\n").split("\n") for wrapped in _wrapped(line))
    return f"{summary}\n\n{body}" if body else summary


def _wrapped(line: str) -> list[str]:
    """A line of prose at the width of the generated code; what hangs under a bullet stays there."""
    indent = " " * (len(line) - len(line.lstrip(" -*+0123456789.)")))
    hanging = indent if len(indent) <= 6 else ""
    return textwrap.wrap(line, DOC_WIDTH, subsequent_indent=hanging, break_long_words=False) or [""]


def title_and_description(notebook: Notebook) -> tuple[str, str]:
    """The first heading of the notebook and the paragraph below it."""
    for cell in notebook.cells:
        if cell.kind is CellKind.CODE and cell.source.strip():
            break
        if cell.kind is CellKind.MARKDOWN and cell.source.strip():
            title, _, rest = plain(cell.source).partition("\n")
            paragraphs = [p.strip() for p in rest.split("\n\n") if p.strip()]
            description = " ".join(paragraphs[0].split()) if paragraphs else ""
            return title.strip()[:LONGEST_TITLE] or notebook.name, description
    return notebook.name.replace("_", " "), ""
