"""Effects of statements: what may change in place, what may refer to what, what draws random numbers.

A walk in evaluation order that keeps the type of each name and asks the tables of :mod:`nb2pipe.analysis.library`
about calls. What it does not know counts as the worst that could happen.

Not its business: which names are bound where (see :mod:`nb2pipe.analysis.scopes`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from nb2pipe.analysis.context import BUILTINS, Context, root_name
from nb2pipe.analysis.expressions import ExpressionWalk
from nb2pipe.analysis.model import Effects
from nb2pipe.analysis.scopes import FunctionNode, scope_of
from nb2pipe.analysis.trials import Types
from nb2pipe.analysis.values import NOTHING, NUMBERS, PROCESS_OBJECTS, Value, element_type, is_immutable, joined, union
from nb2pipe.notebook.trees import children, walk


def effects_of(
    statements: Sequence[ast.stmt], context: Context, types: Mapping[str, str | None] | None = None
) -> tuple[Effects, Types, Value]:
    """Effects of a block, the types of the names it binds or was given, and what it returns (for function bodies).

    ``types`` are brought up to date in place when they are :class:`Types`.
    """
    walk = _Walk(context, types if isinstance(types, Types) else Types(types))
    walk.block(statements)
    return walk.effects(), walk.types, walk.returned()


def type_of(expression: ast.expr, context: Context, types: Mapping[str, str | None]) -> str | None:
    """The type of an expression, where it can be told."""
    return _Walk(context, Types(types)).value(expression).type


class _Walk(ExpressionWalk):
    """Statements, in the order in which they run."""

    def __init__(self, context: Context, types: Types) -> None:
        super().__init__(context, types)
        self.functions: dict[tuple[ast.AST, frozenset[tuple[str, Value]]], _Walk] = {}

    def block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign():
                value = self.value(node.value)
                for target in node.targets:
                    self.assign(target, value)
                names = [name for target in node.targets if (name := root_name(target)) and name not in self.local]
                if len(node.targets) > 1 and not is_immutable(value.type):
                    for name in names[1:]:
                        self.alias(names[0], [name])
            case ast.AnnAssign():
                if node.value is not None:
                    self.assign(node.target, self.value(node.value))
            case ast.AugAssign():
                self.augmented(node)
            case ast.Delete():
                for target in node.targets:
                    if not isinstance(target, ast.Name):
                        self.store(target, NOTHING)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.nested_function(node)
                self.bind(node.name, Value("function", self.reachable(node)))
            case ast.ClassDef():
                self.types.begin()
                for member in node.body:
                    if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                        self.nested_function(member)
                    else:
                        self.statement(member)
                self.types.undo()
                self.bind(node.name, Value(None, self.reachable(node)))
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    self.types[(alias.asname or alias.name).partition(".")[0]] = None
            case ast.Return():
                self.returns.append(self.value(node.value) if node.value else NOTHING)
            case ast.If():
                self.value(node.test)
                self.branches([node.body, node.orelse])
            case ast.For() | ast.AsyncFor():
                iterated = self.value(node.iter)
                self.consume(node.iter, iterated)
                item = self.item(iterated)
                self.loop([*node.body, *node.orelse], lambda: self.assign(node.target, item))
            case ast.While():
                self.value(node.test)
                self.loop([*node.body, *node.orelse])
                self.value(node.test)
            case ast.With() | ast.AsyncWith():
                for part in node.items:
                    entered = self.value(part.context_expr)
                    if part.optional_vars is not None:
                        self.assign(part.optional_vars, entered)
                self.block(node.body)
            case ast.Try() | ast.TryStar():
                self.branches([[*node.body, *node.orelse], *(h.body for h in node.handlers)])
                self.block(node.finalbody)
            case ast.Match():
                subject = self.value(node.subject)
                for arm in node.cases:
                    for pattern in walk(arm.pattern):
                        name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
                        if name:
                            self.bind(name, Value(None, subject.shared))
                    if arm.guard:
                        self.value(arm.guard)
                self.branches([arm.body for arm in node.cases])
            case _:
                for child in children(node):
                    if isinstance(child, ast.expr):
                        self.value(child)

    def branches(self, blocks: Sequence[Sequence[ast.stmt]]) -> None:
        ends: list[dict[str, str | None]] = [{}] if len(blocks) == 1 else []
        for block in blocks:
            self.types.begin()
            self.block(block)
            ends.append(self.types.undo())
        self.types.join(ends)

    def loop(self, body: Sequence[ast.stmt], start: object = None) -> None:
        """What the first pass leaves is what the second one starts from; a third would find nothing new."""
        before: dict[str, str | None] = {}
        met: set[str] = set()
        for _ in range(2):
            local = dict(self.local)
            self.types.begin()
            if callable(start):
                start()
            self.block(body)
            steady = True
            for name, kind in self.types.undo().items():
                if name not in met and name in self.types:
                    before[name] = self.types[name]
                met.add(name)
                after = joined(before[name], kind) if name in before else kind
                steady = steady and name in self.types and self.types[name] == after
                self.types[name] = after
            if steady and local == self.local:
                break  # which keeps loops within loops within loops from being walked 2 ** depth times

    def reachable(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> frozenset[str]:
        """Names around a function or class made here through which calling it can get at objects."""
        scope = scope_of(node)
        known = self.context.imports.keys() | self.context.functions.keys() | BUILTINS
        names = (scope.free | scope.evaluated) - known - {node.name}
        local = frozenset().union(*(self.local[name].shared for name in names & self.local.keys()))
        return local | (names - self.local.keys())

    def nested_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        """A function made here may be called from here on: its effects on names around it count at once."""
        scope = scope_of(node)
        inner = self.inside(node, {**self.local, **{name: Value() for name in scope.locals}})
        own = scope.locals
        self.mutate(inner.certain - own, "by a function made here,", node.lineno)
        self.mutate(inner.mutates - own, "by a function made here,", node.lineno, guess=True)
        self.aliases |= {pair for pair in inner.aliases if not own & set(pair)}
        self.calls |= inner.calls
        self.flags |= inner.flags

    def inside(self, node: FunctionNode, local: dict[str, Value]) -> _Walk:
        """A walk through a function made here; loops come by more than once, mostly with nothing changed."""
        key = (node, frozenset(local.items()))
        walked = self.functions.get(key)
        if walked is None:
            walked = self.functions[key] = _Walk(self.context, Types())
            walked.local = local
            walked.functions = self.functions
            if isinstance(node, ast.Lambda):
                walked.value(node.body)
            else:
                walked.block(node.body)
        return walked

    def bind(self, name: str, value: Value) -> None:
        if name in self.local:
            self.local[name] = union(self.local[name], value) if value.shared else self.local[name]
            return
        self.types[name] = value.type
        self.alias(name, value.shared, value.view)

    def assign(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            self.bind(target.id, value)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, Value("list", value.shared))
        elif isinstance(target, ast.Tuple | ast.List):
            starred = any(isinstance(t, ast.Starred) for t in target.elts)
            parts = (
                value.elements if value.elements and not starred and len(value.elements) == len(target.elts) else None
            )
            for position, part in enumerate(target.elts):
                self.assign(
                    part, parts[position] if parts else Value(element_type(value.type), value.shared, value.view)
                )
            if not parts and not value.apart and not is_immutable(element_type(value.type)):
                names = [name for part in target.elts if (name := root_name(part)) and name not in self.local]
                for other in names[1:]:
                    self.alias(names[0], [other])
        else:
            self.store(target, value)

    def local_assign(self, target: ast.expr, value: Value) -> None:
        """Binds the names of a comprehension."""
        if isinstance(target, ast.Name):
            self.local[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            parts = value.elements if value.elements and len(value.elements) == len(target.elts) else None
            for position, part in enumerate(target.elts):
                self.local_assign(part, parts[position] if parts else Value(element_type(value.type), value.shared))
        elif isinstance(target, ast.Starred):
            self.local_assign(target.value, Value("list", value.shared))

    def store(self, target: ast.expr, value: Value) -> None:
        """``x.attribute = value``, ``x[key] = value`` and their deletion."""
        if isinstance(target, ast.Subscript):
            self.value(target.slice)
        owner = target.value if isinstance(target, ast.Attribute | ast.Subscript) else target
        held = self.value(owner)
        if held.type in PROCESS_OBJECTS:
            self.flags.add("process")
        reached = held.roots
        self.mutate(reached, "assigned into", target.lineno)
        for name in reached:
            self.alias(name, value.shared, value.view and False)

    def augmented(self, node: ast.AugAssign) -> None:
        value = self.value(node.value)
        if not isinstance(node.target, ast.Name):
            self.store(node.target, value)
            return
        name = node.target.id
        before = self.local[name].type if name in self.local else self.types.get(name)
        if is_immutable(before):
            self.types[name] = joined(before, value.type) if before in NUMBERS else before
            return
        self.mutate(self.value(ast.Name(name, ast.Load())).roots, "augmented assignment", node.lineno)
        self.alias(name, value.shared)
