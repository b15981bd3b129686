"""Scopes as Python has them: which names of the notebook's namespace a piece of code reads and binds.

One walk over the syntax tree in evaluation order. Names local to functions, lambdas, comprehensions and class bodies
are left out; what a nested function reads counts as read where the function is made: from there on it may be called.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from nb2pipe.analysis.model import Flow
from nb2pipe.notebook.trees import children, remembered, walk

#: Names of context managers that swallow no exception.
LETTING_THROUGH = frozenset(
    "autocast catch_warnings chdir closing config_context connect context device enable_grad ensure_future errstate "
    "inference_mode localcontext no_grad nullcontext open option_context parallel_backend path printoptions "
    "rc_context redirect_stderr redirect_stdout scope set_grad_enabled start_run TemporaryDirectory timeout tqdm "
    "urlopen GradientTape Session StringIO BytesIO HDFStore profile record_function".split()
)
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_N = TypeVar("_N", bound=ast.stmt)
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True)
class Scope:
    """A function's or class's view of the namespace around it."""

    free: frozenset[str]
    evaluated: frozenset[str]
    writes: frozenset[str]
    locals: frozenset[str]


def flow_of(statements: Sequence[ast.stmt]) -> Flow:
    """The flow of a block executed at the top level of the namespace."""
    return _flow_of_one(statements[0]) if len(statements) == 1 else _flow(statements)


def _flow(statements: Sequence[ast.stmt]) -> Flow:
    walk = _Walk()
    walk.block(statements)
    return walk.flow()


@remembered
def _flow_of_one(statement: ast.stmt) -> Flow:
    return _flow([statement])


def scope_of(node: FunctionNode | ast.ClassDef) -> Scope:
    """What a definition reads from, and writes to, the namespace around it."""
    if isinstance(node, ast.ClassDef):
        return _class_scope(node)
    return _function_scope(node)


@remembered
def _function_scope(node: FunctionNode) -> Scope:
    header = _Walk()
    header.function_header(node)
    arguments = {a.arg for a in _arguments(node.args)}
    body = _Walk()
    if isinstance(node, ast.Lambda):
        body.expression(node.body)
        declared: set[str] = set()
        nonlocals: set[str] = set()
    else:
        declared = {name for inner in _own_nodes(node.body, ast.Global) for name in inner.names}
        nonlocals = {name for inner in _own_nodes(node.body, ast.Nonlocal) for name in inner.names}
        body.block(node.body)
    bound = body.may | body.deleted | body.caught | arguments
    own = bound - declared - nonlocals
    every_read = body.every_read | nonlocals
    return Scope(
        free=frozenset((every_read | (bound & declared)) - own),
        evaluated=frozenset(header.reads),
        writes=frozenset(((body.may | body.deleted) & declared) | body.inner_writes),
        locals=frozenset(own),
    )


@remembered
def _class_scope(node: ast.ClassDef) -> Scope:
    header = _Walk()
    for expression in [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]:
        header.expression(expression)
    body = _Walk()
    body.block(node.body)
    return Scope(
        free=frozenset(body.late_reads),
        evaluated=frozenset(header.reads | body.now_reads),
        writes=frozenset(body.inner_writes),
        locals=frozenset(body.may),
    )


def _own_nodes(body: Iterable[ast.stmt], kind: type[_N]) -> Iterable[_N]:
    """Statements of one kind in a function's body, not in the functions and classes inside it."""
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, kind):
            yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr):
            continue
        stack.extend(children(node))


def _arguments(args: ast.arguments) -> Iterable[ast.arg]:
    yield from [*args.posonlyargs, *args.args, *args.kwonlyargs]
    yield from (a for a in (args.vararg, args.kwarg) if a is not None)


class _Walk:
    """Walks code in evaluation order and keeps the sets of a :class:`Flow`.

    Not its business: what objects are, and what calls do to them (see :mod:`nb2pipe.analysis.effects`).
    """

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.every_read: set[str] = set()
        self.now_reads: set[str] = set()  # by the code itself, as it runs
        self.late_reads: set[str] = set()  # by functions made here, whenever they are called
        self.must: set[str] = set()
        self.may: set[str] = set()
        self.loop: set[str] = set()
        self.deleted: set[str] = set()
        self.inner_writes: set[str] = set()
        self.asks: set[str] = set()  # reads that may fail, or that only ask
        self.caught: set[str] = set()  # by `except ... as name`, which unbinds it again

    def flow(self) -> Flow:
        return Flow(
            reads=frozenset(self.reads),
            binds=frozenset(self.must),
            may_bind=frozenset(self.may),
            loop_binds=frozenset(self.loop | self.must),
            deletes=frozenset(self.deleted),
            asks=frozenset(self.asks),
        )

    def read(self, name: str, late: bool = False) -> None:
        self.every_read.add(name)
        if name in self.must:
            return
        self.reads.add(name)
        if not late:
            self.now_reads.add(name)

    def bind(self, name: str) -> None:
        self.must.add(name)
        self.may.add(name)
        self.deleted.discard(name)

    def delete(self, name: str) -> None:
        self.must.discard(name)
        self.deleted.add(name)

    # statements

    def block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is not None:
            method(node)
            return
        for child in children(node):
            if isinstance(child, ast.expr):
                self.expression(child)

    def _assign(self, node: ast.Assign) -> None:
        self.expression(node.value)
        for target in node.targets:
            self.target(target)

    def _augassign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.read(node.target.id)
        else:
            self.target(node.target)
        self.expression(node.value)
        if isinstance(node.target, ast.Name):
            self.bind(node.target.id)

    def _annassign(self, node: ast.AnnAssign) -> None:
        self.expression(node.annotation)
        if node.value is not None:
            self.expression(node.value)
            self.target(node.target)
        elif not isinstance(node.target, ast.Name):
            self.expression(node.target)

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.read(target.id)
                self.delete(target.id)
            else:
                self.expression(target)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.bind(alias.asname or alias.name.partition(".")[0])

    def _importfrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name != "*":
                self.bind(alias.asname or alias.name)

    def _functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.function_header(node)
        scope = _function_scope(node)
        self._late(scope)
        self.bind(node.name)

    _asyncfunctiondef = _functiondef

    def _classdef(self, node: ast.ClassDef) -> None:
        scope = _class_scope(node)
        for name in sorted(scope.evaluated):
            self.read(name)
        self._late(scope)
        self.bind(node.name)

    def _late(self, scope: Scope) -> None:
        self.late_reads |= scope.free
        self.inner_writes |= scope.writes
        for name in sorted(scope.free):
            self.read(name, late=True)

    def function_header(self, node: FunctionNode) -> None:
        if not isinstance(node, ast.Lambda):
            for decorator in node.decorator_list:
                self.expression(decorator)
            for annotation in [node.returns, *(a.annotation for a in _arguments(node.args))]:
                if annotation is not None:
                    self.expression(annotation)
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self.expression(default)

    def _if(self, node: ast.If) -> None:
        self.expression(node.test)
        self._branches([node.body, node.orelse])

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        self.expression(node.iter)
        before = set(self.must)
        self.target(node.target)
        self.block(node.body)
        self._after_loop(node, before)

    _asyncfor = _for

    def _after_loop(self, node: ast.For | ast.AsyncFor | ast.While, before: set[str]) -> None:
        """``else`` is left out when the loop is left by ``break``."""
        self.loop |= self.must - before
        self.must = before & self.must
        unbroken = set(self.must)
        self.block(node.orelse)
        if any(isinstance(inner, ast.Break) for statement in node.body for inner in ast.walk(statement)):
            self.must = unbroken & self.must

    def _while(self, node: ast.While) -> None:
        self.expression(node.test)
        before = set(self.must)
        self.block(node.body)
        self._after_loop(node, before)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.expression(item.context_expr)
            if item.optional_vars is not None:
                self.target(item.optional_vars)
        before, read_before = set(self.must), set(self.reads)
        self.block(node.body)
        if not all(_lets_errors_through(item.context_expr) for item in node.items):
            self.must = before & self.must
            self.asks |= self.reads - read_before

    _asyncwith = _with

    def _try(self, node: ast.Try) -> None:
        before, read_before = set(self.must), set(self.reads)
        self.block(node.body)
        if any(_catches_name_error(handler) for handler in node.handlers):
            self.asks |= self.reads - read_before
        self.block(node.orelse)
        ends = [set(self.must)]
        for handler in node.handlers:
            self.must = set(before)
            if handler.type is not None:
                self.expression(handler.type)
            if handler.name:
                self.bind(handler.name)
            self.block(handler.body)
            if handler.name:
                self.caught.add(handler.name)
                self.must.discard(handler.name)
                self.may.discard(handler.name)
            if not _leaves(handler.body):
                ends.append(set(self.must))
        self.must = set.intersection(*ends)
        self.block(node.finalbody)

    _trystar = _try

    def _match(self, node: ast.Match) -> None:
        self.expression(node.subject)
        before = set(self.must)
        ends: list[set[str]] = []
        exhaustive = False
        for case in node.cases:
            self.must = set(before)
            for pattern in walk(case.pattern):
                if isinstance(pattern, ast.MatchAs | ast.MatchStar) and pattern.name:
                    self.bind(pattern.name)
                elif isinstance(pattern, ast.MatchMapping) and pattern.rest:
                    self.bind(pattern.rest)
                elif isinstance(pattern, ast.MatchValue):
                    self.expression(pattern.value)
                elif isinstance(pattern, ast.MatchClass):
                    self.expression(pattern.cls)
            if case.guard is not None:
                self.expression(case.guard)
            self.block(case.body)
            ends.append(set(self.must))
            exhaustive |= case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
        self.must = set.intersection(*ends) if ends and exhaustive else before

    def _branches(self, blocks: Sequence[Sequence[ast.stmt]]) -> None:
        before = set(self.must)
        ends: list[set[str]] = []
        for block in blocks:
            self.must = set(before)
            self.block(block)
            if not _leaves(block):
                ends.append(set(self.must))
        self.must = set.intersection(*ends) if ends else before

    # expressions

    def target(self, node: ast.expr) -> None:
        if isinstance(node, ast.Name):
            self.bind(node.id)
        elif isinstance(node, ast.Tuple | ast.List):
            for element in node.elts:
                self.target(element)
        elif isinstance(node, ast.Starred):
            self.target(node.value)
        else:
            self.expression(node)

    def expression(self, node: ast.expr) -> None:
        stack: list[ast.AST] = [node]
        while stack:
            current = stack.pop()
            if isinstance(current, ast.Name):
                self.read(current.id)
            elif isinstance(current, ast.Lambda):
                self.function_header(current)
                self._late(_function_scope(current))
            elif isinstance(current, Comprehension):
                self._comprehension(current)
            elif isinstance(current, ast.NamedExpr):
                self.expression(current.value)
                self.bind(current.target.id)
            elif (asked := asked_name(current)) is not None and asked[0] not in self.must:
                self.read(asked[0])
                self.asks.add(asked[0])
            else:
                stack.extend(reversed(children(current)))

    def _comprehension(self, node: Comprehension) -> None:
        inner = _Walk()
        own: set[str] = set()
        for position, generator in enumerate(node.generators):
            (self if position == 0 else inner).expression(generator.iter)
            own |= {n.id for n in walk(generator.target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            inner.target(generator.target)
            for condition in generator.ifs:
                inner.expression(condition)
        for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            inner.expression(part)
        for name in sorted(inner.every_read - own):
            self.read(name)
        self.late_reads |= inner.late_reads - own
        for name in sorted(inner.may - own):
            self.bind(name)


def asked_name(node: ast.AST) -> tuple[str, ast.Call] | None:
    """The name that ``"x" in globals()``, ``globals()["x"]`` or ``globals().get("x")`` asks for, and the inner call."""
    key: ast.expr | None = None
    namespace: ast.expr | None = None
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
        key, namespace = node.left, node.comparators[0]
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        key, namespace = node.slice, node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        plain = len(node.args) == 1 or (len(node.args) == 2 and isinstance(node.args[1], ast.Constant))
        key, namespace = (node.args[0], node.func.value) if plain and not node.keywords else (None, None)
    calls = (
        isinstance(namespace, ast.Call)
        and isinstance(namespace.func, ast.Name)
        and namespace.func.id in ("globals", "locals", "vars", "dir")
        and not namespace.args
        and not namespace.keywords
    )
    if not calls or not isinstance(key, ast.Constant) or not isinstance(key.value, str):
        return None
    assert isinstance(namespace, ast.Call)
    return key.value, namespace


def _lets_errors_through(manager: ast.expr) -> bool:
    """Whether a ``with`` block that is left by an exception leaves what is around it as well, as most do."""
    if isinstance(manager, ast.Await):
        manager = manager.value
    called = manager.func if isinstance(manager, ast.Call) else manager
    last = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    return last in LETTING_THROUGH or last.lower().endswith(("lock", "semaphore", "file", "writer", "pool", "executor"))


def _catches_name_error(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {"NameError", "UnboundLocalError", "Exception", "BaseException"}
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id in names) for kind in kinds)


def _leaves(block: Sequence[ast.stmt]) -> bool:
    """Whether control never reaches the end of the block."""
    return bool(block) and isinstance(block[-1], ast.Raise | ast.Return | ast.Continue | ast.Break)
