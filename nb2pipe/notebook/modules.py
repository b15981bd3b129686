"""Modules beside a notebook that it imports: their text, which the package carries along."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from nb2pipe.notebook.parsing import parsed
from nb2pipe.notebook.trees import walk

#: A folder of modules beyond these sizes is a project of its own, to be installed rather than carried.
LARGEST_MODULE = 2**20
MOST_FILES = 200


def sibling_modules(path: Path) -> dict[str, Path]:
    """Import names that files beside the notebook would answer to, and those files or folders."""
    folder = path.resolve().parent
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return {}
    found = {entry.stem: entry for entry in entries if entry.suffix == ".py" and entry.name != path.name}
    found |= {entry.name: entry for entry in entries if entry.is_dir() and (entry / "__init__.py").is_file()}
    return found


def imported_modules(code: str) -> frozenset[str]:
    """Top-level names of what code imports; empty for what is not Python."""
    try:
        tree = parsed(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    found: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    return frozenset(found)


def carried_modules(codes: Iterable[str], siblings: dict[str, Path]) -> dict[str, str]:
    """Path within the notebook's folder -> text, of every sibling that the code, or such a sibling, imports.

    A sibling that cannot be read as text, or is too large, is left out; its import is then refused.
    """
    if not siblings:
        return {}
    wanted = {name for code in codes for name in imported_modules(code)} & siblings.keys()
    files: dict[str, str] = {}
    seen: set[str] = set()
    while wanted - seen:
        name = min(wanted - seen)
        seen.add(name)
        own = _files(siblings[name])
        if own is None:
            continue
        files |= own
        wanted |= {other for text in own.values() for other in imported_modules(text)} & siblings.keys()
    return dict(sorted(files.items()))


def _files(module: Path) -> dict[str, str] | None:
    paths = [module] if module.is_file() else sorted(module.rglob("*.py"))
    if len(paths) > MOST_FILES:
        return None
    found: dict[str, str] = {}
    for path in paths:
        try:
            if path.stat().st_size > LARGEST_MODULE or not path.resolve().is_relative_to(module.parent.resolve()):
                return None
            found[path.relative_to(module.parent).as_posix()] = path.read_text(encoding="utf-8")
            ast.parse(found[path.relative_to(module.parent).as_posix()])
        except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    return found
