"""One statement of a source file: what it binds, mentions and imports, whatever it looks like."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nb2pipe.runtime.source_effects import Function, chain_of

Chain = tuple[str, ...]

#: Methods that look names up in their caller's variables.
READS_FRAMES = frozenset("eval evaluate query sql".split())

_WORD = re.compile(r"[^\W\d]\w*")
_NAMES_IN_TEXT = re.compile(r"[~@]|\bselect\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"%[-#0-9.]*[sdifg]|\{[^{}]*\}")
_LONGEST = 300


@dataclass(frozen=True)
class Target:
    """What an imported name means: a module, or a name of a module."""

    module: str
    name: str | None = None


@dataclass
class Reader:
    """Goes through one statement, once; takes its docstrings out of the tree."""

    package: str
    statement: ast.stmt
    bound: set[str] = field(default_factory=set)
    chains: set[Chain] = field(default_factory=set)
    imports: dict[str, list[Target]] = field(default_factory=dict)
    loads: set[Target] = field(default_factory=set)
    loads_now: list[Target] = field(default_factory=list)
    stars: list[str] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    constants: set[str] = field(default_factory=set)
    docs: list[str] = field(default_factory=list)
    decorators: list[tuple[Chain | None, int]] = field(default_factory=list)
    bases: tuple[Chain, ...] = ()
    hooks: bool = False
    now: bool = False  # whether names are looked up when the module is imported

    def read(self) -> Reader:
        """Fills all of it."""
        if isinstance(self.statement, ast.ClassDef):
            self.bases = tuple(chain for base in self.statement.bases if (chain := chain_of(base)) is not None)
            self.hooks = any(keyword.arg == "metaclass" for keyword in self.statement.keywords) or any(
                isinstance(part, ast.FunctionDef) and part.name == "__init_subclass__" for part in self.statement.body
            )
        self.bound = _binds(self.statement)
        self._visit(self.statement, frozenset(), deep=False)
        self._look_into_texts()
        return self

    def _visit(self, node: ast.AST, hidden: frozenset[str], *, deep: bool) -> None:
        """``deep``: inside a function, so not at import."""
        match node:
            case ast.Name(id=name):
                self._mention((name,), hidden, deep)
                return
            case ast.Attribute():
                chain = chain_of(node)
                if chain is not None:
                    self._mention(chain, hidden, deep)
                    return
                self.words.add(node.attr)
            case ast.Constant(value=str() as text):
                self._take(text)
            case ast.JoinedStr(values=values):
                self._take("".join(str(v.value) if isinstance(v, ast.Constant) else "*" for v in values))
            case ast.keyword(arg=str() as word):
                self.words.add(word)
            case ast.Import() | ast.ImportFrom():
                self._import(node, deep)
                return
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._visit_function(node, hidden, deep)
                return
            case ast.ClassDef():
                self._decorated(node, deep)
                self._take_docstring(node)
                self.words.add(node.name)
                for inner in node.body:
                    if isinstance(inner, ast.AnnAssign):  # dataclasses and their like read them
                        self._visit(inner.annotation, hidden, deep=deep)
                        noted = [part.value for part in ast.walk(inner.annotation) if isinstance(part, ast.Constant)]
                        texts = [text for text in noted if isinstance(text, str)]
                        self.chains.update((word,) for text in texts for word in _WORD.findall(text))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                targets = {
                    part.id for made in node.generators for part in ast.walk(made.target) if isinstance(part, ast.Name)
                }
                self._visit(node.generators[0].iter, hidden, deep=deep)
                hidden = hidden | targets
            case ast.AnnAssign(target=target, value=value) if deep:
                for part in (target, value):
                    if part is not None:
                        self._visit(part, hidden, deep=deep)
                return
            case _:
                pass
        for child in ast.iter_child_nodes(node):
            self._visit(child, hidden, deep=deep)

    def _visit_function(self, node: Function | ast.Lambda, hidden: frozenset[str], deep: bool) -> None:
        arguments = node.args
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self._visit(default, hidden, deep=deep)
        body: list[ast.stmt] | list[ast.expr]
        if isinstance(node, ast.Lambda):
            body = [node.body]
        else:
            body = node.body
            self.words.add(node.name)
            self._decorated(node, deep)
            self._take_docstring(node)
            for decorator in node.decorator_list:
                self._visit(decorator, hidden, deep=deep)
            if any(chain is None or chain[-1] not in _PLAIN for chain, _ in _decorators(node)):
                for noted in (*_annotations(arguments), node.returns):  # the decorator may read them
                    if noted is not None:
                        self._visit(noted, hidden, deep=deep)
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        own = {argument.arg for argument in every if argument is not None}
        shared: set[str] = set()
        for part in body:
            if isinstance(part, ast.stmt):
                own |= _binds(part, shared, imports=False)
            else:
                own |= {inner.target.id for inner in ast.walk(part) if isinstance(inner, ast.NamedExpr)}
        inside = (hidden | own) - shared
        for part in body:
            self._visit(part, frozenset(inside), deep=True)

    def _mention(self, chain: Chain, hidden: frozenset[str], deep: bool) -> None:
        self.words.update(chain)
        if chain[0] not in hidden or chain[0] in self.imports:
            self.chains.add(chain)
            self.now = self.now or not deep

    def _import(self, node: ast.Import | ast.ImportFrom, deep: bool) -> None:
        for imported in node.names:
            if isinstance(node, ast.Import):
                full = Target(imported.name)
                name = imported.asname or imported.name.partition(".")[0]
                target = full if imported.asname else Target(name)
                loaded = [full]
            else:
                module = _absolute(node, self.package)
                if imported.name == "*":
                    self.stars.append(module)
                    loaded, name, target = [Target(module)], "", None
                else:
                    name, target = imported.asname or imported.name, Target(module, imported.name)
                    loaded = [target]
            self.words.update((*imported.name.split("."), *loaded[0].module.split(".")))
            if target is not None:
                self.imports.setdefault(name, []).append(target)
            self.loads.update(loaded)
            if not deep:
                self.loads_now.extend(loaded)

    def _decorated(self, node: Function | ast.ClassDef, deep: bool) -> None:
        if not deep:
            self.decorators.extend(_decorators(node))

    def _take_docstring(self, node: Function | ast.ClassDef) -> None:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            self.docs.append(first.value.value)
            node.body[0] = ast.Pass()
            if len(node.body) > 1:
                del node.body[0]

    def _take(self, text: str) -> None:
        self.constants.add(text)
        if len(text) < _LONGEST and _PLACEHOLDER.search(text):
            self.constants.add(_PLACEHOLDER.sub("*", text))

    def _look_into_texts(self) -> None:
        """Formulas and queries name variables of the code that they stand in."""
        frames = not self.words.isdisjoint(READS_FRAMES)
        for text in self.constants:
            if frames or _NAMES_IN_TEXT.search(text):
                self.chains.update((word,) for word in _WORD.findall(text))


#: Decorators that look at nothing but the function itself.
_PLAIN = frozenset(
    "staticmethod classmethod property setter getter deleter cache lru_cache wraps contextmanager abstractmethod "
    "cached_property overload njit jit vectorize".split()
)


def _decorators(node: Function | ast.ClassDef) -> Iterator[tuple[Chain | None, int]]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call):
            yield chain_of(decorator.func), 2
        else:
            yield chain_of(decorator), 1


def _annotations(arguments: ast.arguments) -> Iterator[ast.expr | None]:
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        yield argument.annotation


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1]
    return ".".join((*above, node.module)) if node.module else ".".join(above)


def _binds(statement: ast.AST, shared: set[str] | None = None, *, imports: bool = True) -> set[str]:
    """Names that a statement binds in the scope it stands in; those it declares to be of another go to ``shared``."""
    bound: set[str] = set()
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
                waiting += node.decorator_list
                continue
            case ast.Lambda():
                continue
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                bound.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                if shared is not None:
                    shared.update(names)
            case ast.Import() | ast.ImportFrom() if not imports:
                continue
            case ast.Import(names=names):
                bound.update(name.asname or name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(names=names):
                bound.update(name.asname or name.name for name in names if name.name != "*")
            case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
                bound.add(name)
            case ast.MatchStar(name=str() as name) | ast.MatchMapping(rest=str() as name):
                bound.add(name)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                walruses = [part for part in ast.walk(node) if isinstance(part, ast.NamedExpr)]
                bound.update(part.target.id for part in walruses)
                continue
            case _:
                pass
        waiting.extend(ast.iter_child_nodes(node))
    return bound
