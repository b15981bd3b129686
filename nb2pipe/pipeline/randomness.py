"""Random state from stage to stage: who continues whose random numbers."""

from __future__ import annotations

import ast

from nb2pipe.analysis import Statement
from nb2pipe.notebook.trees import walk
from nb2pipe.pipeline.findings import Draft


def random_chain(draft: Draft) -> dict[str, tuple[str | None, bool]]:
    """Stage -> the stage whose random state it continues (``None`` for the first), and whether it hands its own on.

    Without a seed in the notebook, global random numbers differ from run to run, and there is nothing to continue.
    From the first stage that seeds on, every stage that may draw is in the chain, in notebook order.
    """
    chain: dict[str, tuple[str | None, bool]] = {}
    previous: str | None = None
    for block in draft.blocks:
        statements = [step.statement for step in draft.steps[block.name]]
        seeds = any(_seeds(s) for s in statements)
        if not seeds and previous is None:
            continue
        if seeds or any(s.effects.draws or s.effects.unknown_calls for s in statements):
            chain[block.name] = (previous, True)
            previous = block.name
    last = next(reversed(chain), None)
    if last is not None:
        chain[last] = (chain[last][0], False)
    return chain


def _seeds(statement: Statement) -> bool:
    """Whether a statement may seed: by the tables, or because it calls something unknown with `seed` in its name."""
    if statement.effects.seeds:
        return True
    if not statement.effects.unknown_calls:
        return False
    calls = [node.func for node in walk(statement.node) if isinstance(node, ast.Call)]
    return any("seed" in ast.unparse(func).lower() for func in calls)
