"""A source file as its top-level statements: what each one is and mentions, apart from how it is written."""

from __future__ import annotations

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from nb2pipe.runtime.source_effects import chain_of, dotted, has_effect, is_well_known, only_wraps
from nb2pipe.runtime.source_reader import Chain, Reader, Target

#: Words that tell that code finds other code in ways that cannot be followed.
DYNAMIC = frozenset(
    "__builtins__ __globals__ __import__ __subclasses__ _getframe builtins currentframe f_globals f_locals globals "
    "import_module iter_modules reload run_module run_path spec_from_file_location walk_packages".split()
)
DYNAMIC_CHAINS = frozenset({("eval",), ("exec",), ("importlib",)})
_ALL_MODULES = ("sys", "modules")
#: Words that tell that code reads docstrings, or its own text.
READS_DOCS = frozenset("__doc__ getdoc doctest testmod".split())
READS_SOURCE = frozenset("getsource getsourcelines getcomments findsource linecache".split())
#: Words that tell that code reads environment variables.
READS_ENVIRONMENT = frozenset("environ environb getenv getenvb load_dotenv dotenv_values expandvars".split())


_KINDS: dict[type[ast.stmt], str] = {
    ast.ClassDef: "class",
    ast.FunctionDef: "function",
    ast.AsyncFunctionDef: "function",
    ast.Import: "import",
    ast.ImportFrom: "import",
}


@dataclass(frozen=True)
class Unit:
    """One top-level statement (one name of an import).

    Attributes:
        names: what it binds in the module.
        text: its normalised tree, without docstrings; with its place where its place matters.
        docs: its docstrings.
        chains: the names it mentions that are not its own, with the attributes taken from them.
        imports: name -> what an import inside of it binds to that name.
        loads: the modules that it imports, at once or when it is called.
        words: all identifiers in it.
        constants: its strings, docstrings aside.
        effect: whether it may change something when its module is imported.
        unused: whether it is an import that nothing in the module uses.
        decorators: what decorates it, and how often that is called to decorate.
        bases: its base classes.
        hooks: whether subclasses of it may be noticed.
        wraps: how many calls of it only make functions (2: a decorator with arguments).
        kind: ``function``, ``class``, ``import``, ``opaque`` or ``other``.
    """

    names: tuple[str, ...]
    text: str
    docs: str = ""
    chains: frozenset[Chain] = frozenset()
    imports: Mapping[str, tuple[Target, ...]] = field(default_factory=dict)
    loads: frozenset[Target] = frozenset()
    words: frozenset[str] = frozenset()
    constants: frozenset[str] = frozenset()
    effect: bool = False
    unused: bool = False
    decorators: tuple[tuple[Chain | None, int], ...] = ()
    bases: tuple[Chain, ...] = ()
    hooks: bool = False
    wraps: int = 0
    kind: str = "other"

    @property
    def is_dynamic(self) -> bool:
        """Whether it may reach any code."""
        return (
            not self.words.isdisjoint(DYNAMIC)
            or not self.chains.isdisjoint(DYNAMIC_CHAINS)
            or any(chain[:2] == _ALL_MODULES for chain in self.chains)
            or Target(*_ALL_MODULES) in self.loads
        )


@dataclass(frozen=True)
class Source:
    """A module as its top-level statements.

    Attributes:
        name: the module.
        digest: of the file's bytes.
        units: in the file's order.
        bound: name -> numbers of the units that bind it.
        aliases: name -> the full name of what it imports, ``None`` for what is made here.
        stars: modules whose names are all imported.
        loads: what importing this module imports, in order.
    """

    name: str
    digest: str
    units: tuple[Unit, ...] = ()
    bound: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    aliases: Mapping[str, str | None] = field(default_factory=dict)
    stars: tuple[str, ...] = ()
    loads: tuple[Target, ...] = ()


def read_source(name: str, file: Path | None, *, is_package: bool) -> Source:
    """The module ``name``, whose code lies in ``file``. A file that cannot be read as Python is one statement."""
    if file is None:
        return Source(name, "")
    try:
        content = file.read_bytes()
    except OSError:
        content = b""
    digest = hashlib.sha256(content).hexdigest()
    if file.suffix not in (".py", ".pyw", ".pyc"):
        return Source(name, digest, (Unit((), f"binary {digest}", kind="opaque", effect=True),))
    try:
        if file.suffix == ".pyc":
            raise ValueError("no source")
        return _read(name, digest, ast.parse(content), is_package)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # nothing is known of what it mentions, so it may be anything
        unknown = Unit((), f"bytes {digest}", kind="opaque", effect=True, words=frozenset({"__import__"}))
        return Source(name, digest, (unknown,))


def _read(name: str, digest: str, tree: ast.Module, is_package: bool) -> Source:
    package = name if is_package else name.rpartition(".")[0]
    statements = [part for statement in tree.body for part in _parts(statement)]
    readers = [Reader(package, statement).read() for statement in statements]
    aliases = _aliases(readers)
    used = {chain[0] for reader in readers for chain in reader.chains} | _annotated(tree)
    exported = {text for reader in readers if "__all__" in reader.bound for text in reader.constants}
    bound: dict[str, tuple[int, ...]] = {}
    units: list[Unit] = []
    counts = Counter(known for reader in readers for known in reader.bound)
    effects = 0
    stars: list[str] = []
    for number, reader in enumerate(readers):
        times = [len(bound.get(known, ())) for known in sorted(reader.bound)]
        for known in (*reader.bound, *(["*"] if reader.stars else [])):
            bound[known] = (*bound.get(known, ()), number)
        unit = _unit(reader, aliases)
        unused = unit.kind == "import" and not set(unit.names) & (used | exported)
        again = any(counts[known] > 1 for known in reader.bound)
        place = f"{effects}:{times}:" if reader.now or again else ""
        if stars and not (unit.kind == "import" and not reader.stars):
            place += f"after {' '.join(stars)}:"  # a star may bind anything anew
        units.append(replace(unit, text=place + unit.text, unused=unused))
        effects += unit.effect
        stars += reader.stars
    loads = [target for reader in readers for target in reader.loads_now]
    first = ast.get_docstring(tree, clean=False)
    if first is not None:
        bound["__doc__"] = (*bound.get("__doc__", ()), len(units))
        units.append(Unit((), "module", docs=repr(first)))
    return Source(name, digest, tuple(units), bound, aliases, tuple(stars), tuple(dict.fromkeys(loads)))


def _unit(reader: Reader, aliases: Mapping[str, str | None]) -> Unit:
    statement = reader.statement
    text = ast.dump(statement)
    if any(not is_well_known(dotted(chain, aliases)) for chain, _ in reader.decorators):
        text += repr(reader.docs)  # a decorator may read them
    return Unit(
        names=tuple(sorted(reader.bound)),
        text=text,
        docs=repr(reader.docs),
        chains=frozenset(reader.chains),
        imports={name: tuple(dict.fromkeys(targets)) for name, targets in reader.imports.items()},
        loads=frozenset(reader.loads),
        words=frozenset(reader.words),
        constants=frozenset(reader.constants),
        effect=has_effect(statement, aliases),
        decorators=tuple(reader.decorators),
        bases=reader.bases,
        hooks=reader.hooks,
        wraps=_wraps(statement),
        kind=_KINDS.get(type(statement), "other"),
    )


def _wraps(statement: ast.stmt) -> int:
    if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return 0
    return 2 if only_wraps(statement, 2) else int(only_wraps(statement, 1))


def _parts(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The statement itself, an import name by name; nothing for what never runs."""
    match statement:
        case ast.Import(names=names):
            for name in names:
                yield ast.Import(names=[name])
        case ast.ImportFrom(module="__future__"):
            return
        case ast.ImportFrom(module=module, names=names, level=level):
            for name in names:
                yield ast.ImportFrom(module=module, names=[name], level=level)
        case ast.If(test=test, orelse=[]) if _never(test):
            return
        case ast.Expr(value=ast.Constant()):
            return
        case _:
            yield statement


_IS_MAIN = ast.dump(ast.parse("__name__ == '__main__'", mode="eval").body)


def _never(test: ast.expr) -> bool:
    chain = chain_of(test)
    if chain is not None:
        return chain[-1] == "TYPE_CHECKING"
    return ast.dump(test) == _IS_MAIN


def _aliases(readers: Iterable[Reader]) -> dict[str, str | None]:
    aliases: dict[str, str | None] = {}
    for reader in readers:
        for name in reader.bound:
            targets = reader.imports.get(name)
            target = targets[0] if targets else None
            known = None if target is None else f"{target.module}.{target.name}" if target.name else target.module
            aliases[name] = known
    return aliases


def _annotated(tree: ast.Module) -> set[str]:
    """Names in annotations: a library that they use is not imported for its effects."""
    found: set[str] = set()
    for node in ast.walk(tree):
        noted = getattr(node, "annotation", None) or getattr(node, "returns", None)
        if isinstance(noted, ast.expr):
            found.update(part.id for part in ast.walk(noted) if isinstance(part, ast.Name))
            texts = [part.value for part in ast.walk(noted) if isinstance(part, ast.Constant)]
            found.update(word for text in texts if isinstance(text, str) for word in re.findall(r"\w+", text))
    return found
