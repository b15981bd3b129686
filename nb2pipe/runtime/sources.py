"""Local modules taken apart into their top-level definitions, without running them."""

from __future__ import annotations

import ast
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nb2pipe
from nb2pipe.runtime.files import digest_of

#: Calls in an assignment that do nothing but make the value.
PURE = frozenset(
    "TypeVar NewType namedtuple frozenset tuple dict list set int float str bool Path getLogger compile".split()
)
_BINDING = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_NEVER_LOCAL = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True)
class Imported:
    """What an import binds a name to: an attribute of ``module``, or the module itself."""

    module: str
    name: str | None = None


@dataclass
class SourceModule:
    """A local module.

    Attributes:
        definitions: top-level name -> the statements that bind it.
        effects: top-level statements that do something besides binding names.
        imports: top-level name -> what it was imported as.
        stars: modules of ``from module import *``.
        imported: modules that importing this one imports.
    """

    name: str
    path: Path
    digest: str
    is_package: bool
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    effects: list[ast.stmt] = field(default_factory=list)
    imports: dict[str, Imported] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    imported: list[str] = field(default_factory=list)
    opaque: bool = False  # its text cannot be taken apart


def read_module(name: str, package_folder: Path) -> SourceModule | None:
    """The local module called ``name``; ``None`` for all that is installed or of the standard library."""
    path = _path_of(name)
    if path is None or not _is_local(path, package_folder):
        return None
    try:
        content = path.read_bytes()
    except OSError:
        return None
    module = SourceModule(name, path, digest_of([content])[0], path.name == "__init__.py")
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        module.opaque = True
        return module
    for statement in tree.body:
        _add(module, statement)
    return module


def imports_in(statement: ast.AST, module: SourceModule) -> Iterator[tuple[str, Imported, str]]:
    """Name, what it stands for, and the module that is imported, for each import at any depth of ``statement``."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname or top), Imported(alias.name if alias.asname else top), alias.name
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute(node, module)
            for alias in node.names:
                yield (alias.asname or alias.name), Imported(origin, alias.name), origin


def _add(module: SourceModule, statement: ast.stmt) -> None:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        _add_import(module, statement)
    elif isinstance(statement, _BINDING):
        module.definitions.setdefault(statement.name, []).append(statement)
    elif isinstance(statement, ast.If) and _is_type_checking(statement.test):
        return
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return  # a docstring
    elif isinstance(statement, ast.Try) and all(
        isinstance(inner, ast.Import | ast.ImportFrom) for inner in statement.body
    ):
        for inner in statement.body:
            _add(module, inner)
        module.effects.append(statement)
    else:
        names = {
            node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        for name in names:
            module.definitions.setdefault(name, []).append(statement)
        plain = isinstance(statement, ast.Assign | ast.AnnAssign) and not _calls(statement)
        if not plain:
            module.effects.append(statement)


def _add_import(module: SourceModule, statement: ast.Import | ast.ImportFrom) -> None:
    for name, imported, origin in imports_in(statement, module):
        if name == "*":
            module.stars.append(origin)
        else:
            module.imports[name] = imported
        module.imported.append(origin)
        if imported.name is not None:
            module.imported.append(f"{origin}.{imported.name}")


def _absolute(node: ast.ImportFrom, module: SourceModule) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    parts = parts if module.is_package else parts[:-1]
    base = parts[: len(parts) - (node.level - 1)]
    return ".".join([*base, *([node.module] if node.module else [])])


def _calls(statement: ast.stmt) -> bool:
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name not in PURE:
                return True
    return False


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _path_of(name: str) -> Path | None:
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if module is None:
        try:
            spec = importlib.util.find_spec(name) if _parent_is_imported(name) else None
        except (ImportError, ValueError, AttributeError):
            spec = None
        file = None if spec is None or not spec.has_location else spec.origin
    return None if file is None else Path(file)


def _parent_is_imported(name: str) -> bool:
    """Whether looking for a module imports nothing: ``find_spec`` imports the packages around it."""
    parent = name.rpartition(".")[0]
    return not parent or parent in sys.modules


def _is_local(path: Path, package_folder: Path) -> bool:
    if path.is_relative_to(package_folder):
        return True
    if _NEVER_LOCAL & set(path.parts) or path.is_relative_to(Path(nb2pipe.__file__).parent):
        return False
    return not any(path.is_relative_to(folder) for folder in _standard_library())


@cache
def _standard_library() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    return tuple({Path(paths["stdlib"]), Path(paths["platstdlib"])})
