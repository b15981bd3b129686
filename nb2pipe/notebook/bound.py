"""Names that cells bind, magics included: a shell line may use their values."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from nb2pipe.notebook.magics import Untranslatable, plain_python
from nb2pipe.notebook.parsing import parsed
from nb2pipe.notebook.trees import walk


def bound_names(sources: Iterable[str]) -> frozenset[str]:
    """Names that the cells bind anywhere, and so names whose values a shell line may use."""
    found: set[str] = set()
    for source in sources:
        try:
            tree = parsed(plain_python(source).code)
        except (SyntaxError, ValueError, RecursionError, MemoryError, Untranslatable):
            continue
        for node in walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.alias):
                found.add(node.asname or node.name.partition(".")[0])
            elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                found.add(node.name)
            elif isinstance(node, ast.MatchMapping) and node.rest:
                found.add(node.rest)
    return frozenset(found)
