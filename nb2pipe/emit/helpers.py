"""``helpers.py``: the notebook's functions and classes, and the constants that they read."""

from __future__ import annotations

from nb2pipe.emit.annotations import import_block
from nb2pipe.emit.source import code_of, quoted, statements
from nb2pipe.pipeline.model import Pipeline


def helpers_module(pipeline: Pipeline) -> str:
    """The module, not yet formatted. A notebook without helpers gets one that says so."""
    if not pipeline.helpers.body:
        return quoted("The notebook defines no functions or classes that its stages share.") + "\n"
    body = statements(pipeline.helpers.body, pipeline.helpers.edits, pipeline.sources)
    head = quoted("Functions, classes and constants of the notebook.")
    return f"{head}\n\n{import_block(pipeline.helpers.imports)}\n\n{code_of(body)}"
