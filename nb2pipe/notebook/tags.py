"""The tag grammar: which tags a cell may carry, and what each makes of it.

A tag is data from outside. A stage's name becomes a file name and a function name, so only a plain identifier will do.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Sequence

from nb2pipe.notebook.model import NotebookError, Role

PARAMETERS = "parameters"
SKIP = "skip"
STAGE_PREFIX = "stage:"
LONGEST_STAGE_NAME = 64


def role_of(tags: Sequence[str], cell: int) -> tuple[Role | None, str | None]:
    """What ``tags`` make of a cell: its role, and its stage's name; ``(None, None)`` when they say nothing.

    Raises:
        NotebookError: a malformed stage name, or tags that contradict each other.
    """
    stages = [stage_name(tag.removeprefix(STAGE_PREFIX), cell) for tag in tags if tag.startswith(STAGE_PREFIX)]
    claims = [*(f"stage:{name}" for name in dict.fromkeys(stages)), *(t for t in (PARAMETERS, SKIP) if t in tags)]
    if len(claims) > 1:
        raise NotebookError(
            f"cell {cell}: the tags {' and '.join(map(repr, claims))} contradict each other; keep one of them"
        )
    if stages:
        return Role.STAGE, stages[0]
    if PARAMETERS in tags:
        return Role.PARAMETERS, None
    if SKIP in tags:
        return Role.SKIP, None
    return None, None


def stage_name(name: str, cell: int) -> str:
    """``name`` as a stage's name, or a :class:`NotebookError` that says what is wrong with it."""
    normal = unicodedata.normalize("NFKC", name)
    shown = ascii(name if len(name) <= 80 else name[:77] + "...")
    advice = "a stage's name is a plain Python identifier such as 'train' or 'train_xgb'; rename the tag"
    if not normal.isidentifier() or normal != name:
        raise NotebookError(f"cell {cell}: {shown} is no name for a stage: {advice}")
    if keyword.iskeyword(name) or name.startswith("_") or name.endswith("__"):
        raise NotebookError(f"cell {cell}: {shown} is reserved by Python: {advice}")
    if len(name) > LONGEST_STAGE_NAME:
        raise NotebookError(
            f"cell {cell}: the stage name {shown} has {len(name)} characters; at most {LONGEST_STAGE_NAME} are allowed"
        )
    return name
