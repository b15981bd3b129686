"""Python's own parser, asked once for each text: reading, imports and analysis all look at the same trees."""

from __future__ import annotations

import ast
import warnings
from functools import lru_cache

#: Notebooks have fewer cells than this; what is beyond is parsed again.
TREES_KEPT = 8192


@lru_cache(TREES_KEPT)
def parsed(code: str) -> ast.Module:
    """The tree of a cell, in which ``await`` may stand at the top level as in a kernel. Nobody changes it.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as ``compile`` does.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = compile(code, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(tree, ast.Module)
    return tree
