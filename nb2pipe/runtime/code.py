"""What code each stage can reach: digests that change exactly when it does, for the cache of results.

Followed are the names that code mentions, from the stage function through helpers, classes and constants of all
local modules. Comments, formatting and docstrings do not count. Where names are looked up at run time, everything
local counts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from nb2pipe.runtime.definition import Pipeline, Stage
from nb2pipe.runtime.files import digest_of
from nb2pipe.runtime.package import Package
from nb2pipe.runtime.sources import Imported, SourceModule, imports_in, read_module

#: Code that mentions these may reach anything.
DYNAMIC = frozenset({"globals", "eval", "exec", "__import__", "importlib", "import_module"})
EFFECTS = "<effects>"
ALL = "<all>"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST_MENTION = 300


@dataclass(frozen=True)
class Code:
    """What the code of a package's stages is.

    Attributes:
        stages: stage -> digest of all code that its function and its settings can reach.
        definitions: ``module:name`` of top-level functions and classes of local modules -> digest of what they reach.
        sources: path of each local source file that was read -> digest of its bytes.
        libraries: stage -> top-level names of the other modules that its code uses.
        variables: stage -> names of environment variables that its code may read.
        mentions: stage -> texts in its code that may name files.
    """

    stages: Mapping[str, str]
    definitions: Mapping[str, str]
    sources: Mapping[str, str]
    libraries: Mapping[str, tuple[str, ...]]
    variables: Mapping[str, tuple[str, ...]]
    mentions: Mapping[str, tuple[str, ...]]


def read_code(pipeline: Pipeline, package: Package) -> Code:
    """Read the code of all stages of a package that is imported here."""
    local = _Local(package)
    shared = [(module, EFFECTS) for module in sorted({stage.module for stage in pipeline.stages})]
    reached = {stage.name: _reach(local, [*_starts(local, stage), *shared]) for stage in pipeline.stages}
    unknown = {stage.name: _without_source(local, stage) for stage in pipeline.stages}
    definitions = {
        f"{module.name}:{name}": _reach(local, [(module.name, name)]).digest()
        for module in list(local.modules.values())
        if module is not None
        for name, statements in module.definitions.items()
        if isinstance(statements[-1], ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    return Code(
        stages={name: found.digest(unknown[name]) for name, found in reached.items()},
        definitions=definitions,
        sources={str(module.path): module.digest for module in local.modules.values() if module is not None},
        libraries={name: tuple(sorted(found.libraries)) for name, found in reached.items()},
        variables={name: found.variables() for name, found in reached.items()},
        mentions={name: found.mentions() for name, found in reached.items()},
    )


class _Local:
    """The local modules, each read once."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.modules: dict[str, SourceModule | None] = {}
        self.dumps: dict[int, str] = {}

    def module(self, name: str) -> SourceModule | None:
        if name not in self.modules:
            self.modules[name] = read_module(name, self.package.module_folder)
        return self.modules[name]

    def dump(self, statement: ast.stmt) -> str:
        if id(statement) not in self.dumps:
            self.dumps[id(statement)] = ast.dump(_without_docstrings(statement))
        return self.dumps[id(statement)]


@dataclass
class _Reached:
    """What was found from some starting points."""

    local: _Local
    statements: dict[tuple[str, str], list[ast.stmt]] = field(default_factory=dict)
    opaque: dict[str, str] = field(default_factory=dict)
    libraries: set[str] = field(default_factory=set)

    def digest(self, more: Iterable[str] = ()) -> str:
        lines = [
            f"{module}:{name}:{self.local.dump(statement)}"
            for (module, name), statements in sorted(self.statements.items())
            for statement in statements
        ]
        lines += [f"{module}={digest}" for module, digest in sorted(self.opaque.items())]
        return digest_of([line.encode(errors="surrogatepass") + b"\n" for line in [*lines, *more]])[0]

    def variables(self) -> tuple[str, ...]:
        found: set[str] = set()
        for statement in self._all():
            names = {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(statement)}
            if names & {"environ", "getenv", "environb"}:
                found |= {text for text in _texts(statement) if _VARIABLE.fullmatch(text)}
        return tuple(sorted(found))

    def mentions(self) -> tuple[str, ...]:
        texts = {text for statement in self._all() for text in _texts(_without_docstrings(statement))}
        return tuple(sorted(text for text in texts if text and len(text) < LONGEST_MENTION and "\n" not in text))

    def _all(self) -> Iterable[ast.stmt]:
        return (statement for statements in self.statements.values() for statement in statements)


def _reach(local: _Local, starts: Iterable[tuple[str, str]]) -> _Reached:
    """Everything that can be reached from names of local modules."""
    found = _Reached(local)
    open_ = list(starts)
    seen: set[tuple[str, str]] = set()
    while open_:
        place = open_.pop()
        if place in seen:
            continue
        seen.add(place)
        module = local.module(place[0])
        if module is None:
            found.libraries.add(place[0].partition(".")[0])
            continue
        open_.extend(_importing(local, module))
        if module.opaque:
            found.opaque[module.name] = module.digest
            continue
        open_.extend(_from(local, module, place[1], found))
    return found


def _importing(local: _Local, module: SourceModule) -> list[tuple[str, str]]:
    """What importing a module runs: its effects, those of the packages around it and of what it imports."""
    parts = module.name.split(".")
    around = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    names = [*around, *(name for name in module.imported if local.module(name) is not None)]
    return [(name, EFFECTS) for name in names if local.module(name) is not None]


def _from(local: _Local, module: SourceModule, name: str, found: _Reached) -> list[tuple[str, str]]:
    """The places that one place leads to; its statements are noted in ``found``."""
    if name == ALL:
        return [(module.name, inner) for inner in [*module.definitions, *module.imports, EFFECTS]]
    if name == EFFECTS:
        statements = module.effects
    elif name in module.definitions:
        statements = module.definitions[name]
    elif name in module.imports:
        return _of_import(local, module.imports[name], None)
    elif local.module(f"{module.name}.{name}") is not None:
        return [(f"{module.name}.{name}", ALL)]
    elif module.stars:
        return [(star, name) for star in module.stars if local.module(star) is not None]
    elif name.startswith("__") or not module.definitions.get("__getattr__"):
        return []
    else:
        return [(module.name, ALL)]
    if statements:
        found.statements[module.name, name] = statements
    return [place for statement in statements for place in _mentioned(local, module, statement)]


def _mentioned(local: _Local, module: SourceModule, statement: ast.stmt) -> list[tuple[str, str]]:
    """The places of all names that a statement mentions."""
    inner = {name: imported for name, imported, _ in imports_in(statement, module)}
    imports = {**module.imports, **inner}
    places = [(origin, EFFECTS) for _, _, origin in imports_in(statement, module)]
    chains, bare = _names(statement)
    for name in bare & DYNAMIC:
        places += [(known.name, ALL) for known in list(local.modules.values()) if known is not None and name]
    for name in bare:
        if name in imports:
            places += _of_import(local, imports[name], None)
        elif name in module.definitions:
            places.append((module.name, name))
        else:
            places += [(star, name) for star in module.stars if local.module(star) is not None]
    for name, attributes in chains:
        if name in imports:
            places += _of_import(local, imports[name], attributes)
        elif name in module.definitions:
            places.append((module.name, name))
        else:
            places += [(star, name) for star in module.stars if local.module(star) is not None]
    return places


def _of_import(local: _Local, imported: Imported, attributes: tuple[str, ...] | None) -> list[tuple[str, str]]:
    """Where an imported name leads, used bare (``None``) or with attributes."""
    module = imported.module
    if imported.name is not None:
        if local.module(f"{module}.{imported.name}") is None:
            return [(module, imported.name)]
        module = f"{module}.{imported.name}"
    if local.module(module) is None:
        return [(module, EFFECTS)]
    for attribute in attributes or ():
        if local.module(f"{module}.{attribute}") is None:
            return [(module, attribute)]
        module = f"{module}.{attribute}"
    return [(module, ALL)]


def _names(statement: ast.stmt) -> tuple[set[tuple[str, tuple[str, ...]]], set[str]]:
    """Names with the attributes asked of them (``a.b.c``), and names that are used by themselves."""
    chains: set[tuple[str, tuple[str, ...]]] = set()
    bare: set[str] = set()
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        attributes: list[str] = []
        base = node
        while isinstance(base, ast.Attribute):
            attributes.append(base.attr)
            base = base.value
        if attributes and isinstance(base, ast.Name):
            chains.add((base.id, tuple(reversed(attributes))))
            if set(attributes) & DYNAMIC:
                bare |= set(attributes) & DYNAMIC
            continue
        if isinstance(node, ast.Name):
            bare.add(node.id)
        elif isinstance(node, ast.Global):
            bare |= set(node.names)
        stack.extend(ast.iter_child_nodes(node))
    bare |= {name for name, _ in chains if name in DYNAMIC}
    return chains, bare


def _starts(local: _Local, stage: Stage) -> list[tuple[str, str]]:
    functions: list[Any] = [stage.function, *stage.settings]
    return [(function.__module__, function.__qualname__.partition(".")[0]) for function in functions]


def _without_source(local: _Local, stage: Stage) -> list[str]:
    """Functions that no source defines, by their byte code."""
    functions: list[Callable[..., Any]] = [stage.function, *stage.settings]  # type: ignore[list-item]
    lines = []
    for function in functions:
        module = local.module(function.__module__)
        known = module is not None and (module.opaque or function.__qualname__.partition(".")[0] in module.definitions)
        code = getattr(function, "__code__", None)
        if not known and code is not None:
            lines.append(_digest_of_code(code))
    return lines


def _digest_of_code(code: CodeType) -> str:
    constants = [_digest_of_code(value) if isinstance(value, CodeType) else repr(value) for value in code.co_consts]
    parts = [code.co_code.hex(), *code.co_names, *code.co_varnames, *constants]
    return digest_of([part.encode(errors="surrogatepass") + b"\n" for part in parts])[0]


def _texts(statement: ast.AST) -> set[str]:
    return {
        node.value for node in ast.walk(statement) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _without_docstrings(statement: ast.stmt) -> ast.stmt:
    """The statement with its docstrings emptied, unless it asks for one."""
    documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    if not any(isinstance(node, documented) for node in ast.walk(statement)):
        return statement
    if any(isinstance(node, ast.Attribute) and node.attr == "__doc__" for node in ast.walk(statement)):
        return statement
    for node in ast.walk(statement):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            assert isinstance(text, ast.Expr)
            assert isinstance(text.value, ast.Constant)
            text.value.value = ""
    return statement
