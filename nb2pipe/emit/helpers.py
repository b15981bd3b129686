"""``helpers.py``: the notebook's functions and classes, and the constants that they read."""

from __future__ import annotations

from nb2pipe.emit.annotations import import_block
from nb2pipe.emit.source import code_of, quoted, statements
from nb2pipe.pipeline.model import Import, Pipeline

UNBOUND = '''

def __getattr__(name: str) -> Any:
    """A variable that is not bound fails as it does in the notebook."""
    if name in ({names},):
        raise NameError(f"name {{name!r}} is not defined")
    raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
'''


def helpers_module(pipeline: Pipeline) -> str:
    """The module, not yet formatted. A notebook without helpers gets one that says so."""
    if not pipeline.helpers.body and not pipeline.helpers.shared:
        return quoted("The notebook defines no functions or classes that its stages share.") + "\n"
    body = statements(pipeline.helpers.body, pipeline.helpers.edits, pipeline.sources)
    head = quoted("Functions, classes and constants of the notebook.")
    imports, declared = list(pipeline.helpers.imports), ""
    if pipeline.helpers.shared:
        imports.append(Import("typing", "Any", "Any"))
        lines = "".join(f"{name}: Any\n" for name in pipeline.helpers.shared)
        declared = (
            f"# Variables of the notebook that functions share: stages bind them, the runner carries them on.\n{lines}"
        )
    if pipeline.helpers.unsure:
        declared += UNBOUND.format(names=", ".join(map(repr, pipeline.helpers.shared)))
    return f"{head}\n\n{import_block(imports)}\n\n{declared}\n\n{code_of(body)}"
