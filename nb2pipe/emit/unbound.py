"""``unbound.py``: the mark that stands for a name which the notebook may leave unbound."""

from __future__ import annotations

from nb2pipe.pipeline.model import Import, Pipeline, Stage

MARK, TYPE = "UNBOUND", "Unbound"

MODULE = '''"""A name that the notebook binds only on some paths crosses as a mark where it is not bound."""

from enum import Enum


class Unbound(Enum):
    """Says that a name has no value, so that a stage which reads it fails as the notebook does."""

    UNBOUND = "unbound"


UNBOUND = Unbound.UNBOUND
'''


def unbound_module(pipeline: Pipeline) -> dict[str, str]:
    """The module by its path, for a package that needs it."""
    if not any(stage.unbound_inputs or stage.unbound_outputs for stage in pipeline.stages):
        return {}
    return {f"{pipeline.name}/unbound.py": MODULE}


def unbound_imports(stage: Stage, pipeline: Pipeline) -> list[Import]:
    """What the module of a stage needs of it."""
    if not stage.unbound_inputs and not stage.unbound_outputs:
        return []
    return [Import(f"{pipeline.name}.unbound", name, name) for name in (MARK, TYPE)]
