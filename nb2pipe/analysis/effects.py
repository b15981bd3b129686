"""Effects of statements and expressions: what may change in place, what may refer to what, what draws random numbers.

A walk in evaluation order that keeps the type of each name and asks the tables of :mod:`nb2pipe.analysis.library`
about calls. What it does not know counts as the worst that could happen.

Not its business: which names are bound where (see :mod:`nb2pipe.analysis.scopes`).
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nb2pipe.analysis.library import UNKNOWN, Call, Library
from nb2pipe.analysis.model import Effects, ImportedName
from nb2pipe.analysis.scopes import Comprehension, scope_of
from nb2pipe.analysis.values import (
    ACCESSORS,
    ARRAYS,
    ATTRIBUTE_TYPES,
    AXES,
    ITERATORS,
    NOTHING,
    NUMBERS,
    PROCESS_OBJECTS,
    VIEW_ATTRIBUTES,
    Value,
    element_type,
    is_immutable,
    joined,
    union,
)

BUILTINS = frozenset(dir(builtins))
QUERY_NAME = re.compile(r"@\s*([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Summary:
    """What calling one of the notebook's functions or methods does, in terms of its parameters and free names."""

    parameters: tuple[str, ...]
    effects: Effects = Effects()
    returns: Value = Value()


@dataclass(frozen=True)
class NotebookClass:
    """One of the notebook's classes: its base's import path and its methods."""

    base: str | None
    methods: Mapping[str, Summary]


@dataclass(frozen=True)
class Context:
    """What a walk may ask: the notebook's imports, functions and classes, and the tables of libraries."""

    library: Library
    imports: Mapping[str, tuple[ImportedName, ...]]
    functions: Mapping[str, Summary] = field(default_factory=dict)
    classes: Mapping[str, NotebookClass] = field(default_factory=dict)


def effects_of(
    statements: Sequence[ast.stmt], context: Context, types: Mapping[str, str | None] | None = None
) -> tuple[Effects, dict[str, str | None], Value]:
    """Effects of a block, the types of the names it binds or was given, and what it returns (for function bodies)."""
    walk = _Walk(context, dict(types or {}))
    walk.block(statements)
    return walk.effects(), walk.types, walk.returned()


def type_of(expression: ast.expr, context: Context, types: Mapping[str, str | None]) -> str | None:
    """The type of an expression, where it can be told."""
    return _Walk(context, dict(types)).value(expression).type


def dotted_path(node: ast.expr, imports: Mapping[str, tuple[ImportedName, ...]]) -> str | None:
    """The import path that ``np.random.seed`` and the like stand for; ``None`` for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in imports:
        return None
    return ".".join([imports[node.id][0].target, *reversed(parts)])


def root_name(node: ast.expr) -> str | None:
    """The name at the bottom of a chain of attributes, subscripts and calls."""
    while True:
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return node.id if isinstance(node, ast.Name) else None


class _Walk:
    def __init__(self, context: Context, types: dict[str, str | None]) -> None:
        self.context = context
        self.types = types
        self.local: dict[str, Value] = {}
        self.mutates: set[str] = set()
        self.certain: set[str] = set()
        self.reasons: dict[str, str] = {}
        self.aliases: set[tuple[str, str]] = set()
        self.views: set[tuple[str, str]] = set()
        self.calls: set[str] = set()
        self.flags: set[str] = set()
        self.returns: list[Value] = []

    def effects(self) -> Effects:
        return Effects(
            mutates=frozenset(self.mutates),
            certain=frozenset(self.certain),
            aliases=frozenset(self.aliases),
            views=frozenset(self.views),
            calls=frozenset(self.calls),
            draws="draws" in self.flags,
            seeds="seeds" in self.flags,
            reads_files="reads" in self.flags,
            writes_files="writes" in self.flags,
            plots="plots" in self.flags,
            unknown_calls="unknown" in self.flags,
            process="process" in self.flags,
            reasons=dict(self.reasons),
        )

    def returned(self) -> Value:
        if not self.returns:
            return NOTHING
        first, *rest = self.returns
        kind = first.type
        for other in rest:
            kind = joined(kind, other.type)
        elements = first.elements if not rest else None
        roots = frozenset().union(*(v.shared for v in self.returns))
        return Value(kind, roots, any(v.view for v in self.returns), elements)

    def mutate(self, names: Iterable[str], why: str, line: int, guess: bool = False) -> None:
        for name in names:
            if name in self.context.imports:
                continue
            self.mutates.add(name)
            if not guess:
                self.certain.add(name)
            self.reasons.setdefault(name, f"{why} in line {line}")

    def alias(self, one: str, others: Iterable[str], view: bool = False) -> None:
        for other in others:
            if other != one and other not in self.context.imports:
                pair = (min(one, other), max(one, other))
                self.aliases.add(pair)
                if view:
                    self.views.add(pair)

    # statements

    def block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign():
                value = self.value(node.value)
                for target in node.targets:
                    self.assign(target, value)
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
                self.types[node.name] = "function"
                self.nested_function(node)
            case ast.ClassDef():
                self.types[node.name] = "type"
                for child in node.body:
                    if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                        self.nested_function(child)
                    else:
                        self.statement(child)
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
                    for pattern in ast.walk(arm.pattern):
                        name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
                        if name:
                            self.bind(name, Value(None, subject.shared))
                    if arm.guard:
                        self.value(arm.guard)
                self.branches([arm.body for arm in node.cases])
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child)

    def branches(self, blocks: Sequence[Sequence[ast.stmt]]) -> None:
        before = dict(self.types)
        ends: list[dict[str, str | None]] = []
        for block in blocks:
            self.types = dict(before)
            self.block(block)
            ends.append(self.types)
        self.types = _joined_types([before, *ends] if len(blocks) == 1 else ends, before)

    def loop(self, body: Sequence[ast.stmt], start: object = None) -> None:
        before = dict(self.types)
        for _ in range(2):
            if callable(start):
                start()
            self.block(body)
            self.types = _joined_types([before, self.types], before)

    def nested_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        """A function made here may be called from here on: its effects on names around it count at once."""
        inner = _Walk(self.context, {})
        scope = scope_of(node)
        inner.local = {**self.local, **{name: Value() for name in scope.locals}}
        if isinstance(node, ast.Lambda):
            inner.value(node.body)
        else:
            inner.block(node.body)
        own = scope.locals
        self.mutate(inner.certain - own, "by a function made here,", node.lineno)
        self.mutate(inner.mutates - own, "by a function made here,", node.lineno, guess=True)
        self.aliases |= {pair for pair in inner.aliases if not own & set(pair)}
        self.calls |= inner.calls
        self.flags |= inner.flags

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

    # expressions

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant():
                return Value(type(node.value).__name__ if node.value is not None else "None")
            case ast.Name():
                return self.name(node)
            case ast.Attribute():
                return self.attribute(node)
            case ast.Subscript():
                return self.subscript(node)
            case ast.Call():
                return self.call(node)
            case ast.BinOp():
                return self.binary(self.value(node.left), node.op, self.value(node.right))
            case ast.UnaryOp():
                operand = self.value(node.operand)
                return Value("bool" if isinstance(node.op, ast.Not) else operand.type)
            case ast.Compare():
                values = [self.value(part) for part in (node.left, *node.comparators)]
                arrays = [v.type for v in values if v.type in ARRAYS]
                unknown = any(v.type is None for v in values)
                return Value(arrays[0] if arrays else None if unknown else "bool")
            case ast.BoolOp():
                values = [self.value(part) for part in node.values]
                kinds = {v.type for v in values}
                return Value(kinds.pop() if len(kinds) == 1 else None, union(*values).roots)
            case ast.IfExp():
                self.value(node.test)
                one, other = self.value(node.body), self.value(node.orelse)
                return Value(joined(one.type, other.type), union(one, other).roots)
            case ast.JoinedStr() | ast.FormattedValue():
                for part in ast.iter_child_nodes(node):
                    if isinstance(part, ast.expr):
                        self.value(part)
                return Value("str")
            case ast.Tuple() | ast.List() | ast.Set():
                return self.display(node)
            case ast.Dict():
                return self.dictionary(node)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self.comprehension(node)
            case ast.Lambda():
                self.nested_function(node)
                return Value("function", frozenset(scope_of(node).free) - BUILTINS)
            case ast.NamedExpr():
                bound = self.value(node.value)
                self.assign(node.target, bound)
                return bound
            case ast.Starred() | ast.Await() | ast.YieldFrom():
                return Value(None, self.value(node.value).shared)
            case ast.Slice():
                for bound_ in (node.lower, node.upper, node.step):
                    if bound_ is not None:
                        self.value(bound_)
                return Value("slice")
            case _:
                parts = [self.value(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
                return union(*parts)

    def name(self, node: ast.Name) -> Value:
        name = node.id
        if name in self.local:
            return self.local[name]
        if name in self.context.functions or name in self.context.classes:
            self.calls.add(name)
            summary = self.context.functions.get(name)
            if summary is not None:
                self.free_effects(summary, node.lineno if hasattr(node, "lineno") else 0)
            return Value("function" if summary else "type")
        if name in self.context.imports:
            return Value("module" if self.context.imports[name][0].attribute is None else None)
        kind = self.types.get(name)
        if kind is None and name in BUILTINS and name not in self.types:
            return Value("type")
        return Value(kind, frozenset({name}))

    def attribute(self, node: ast.Attribute) -> Value:
        if dotted_path(node, self.context.imports) is not None and root_name(node) not in self.local:
            return Value()
        owner = self.value(node.value)
        kind = ATTRIBUTE_TYPES.get((owner.type or "", node.attr))
        if owner.type == AXES and node.attr == "flat":
            kind = AXES
        if owner.type in ("pandas.Series", None) and node.attr in ACCESSORS:
            kind = "pandas.accessor"
        elif kind is None and owner.type == "pandas.accessor":
            kind = "pandas.Series"
        return Value(kind, owner.shared, owner.view or (node.attr in VIEW_ATTRIBUTES and owner.type in (*ARRAYS, None)))

    def subscript(self, node: ast.Subscript) -> Value:
        owner = self.value(node.value)
        index = self.value(node.slice)
        text = isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
        several = isinstance(node.slice, ast.List | ast.ListComp) or bool(index.type and index.type.startswith("list"))
        mask = index.type in ARRAYS
        match owner.type:
            case "pandas.DataFrame":
                if text:
                    return Value("pandas.Series", owner.shared)
                return Value("pandas.DataFrame") if several or mask else Value(None, owner.shared)
            case "pandas.Series" | "pandas.series_loc":
                return Value("pandas.Series") if several or mask else Value(None, owner.shared)
            case "pandas.loc":
                return self.located(node.slice, owner)
            case "numpy.ndarray":
                return Value("numpy.ndarray") if several or mask else Value(None, owner.shared, view=True)
            case "torch.Tensor":
                return Value("torch.Tensor", owner.shared)
            case "matplotlib.axes_grid":
                return Value(AXES, owner.shared)
            case "pandas.GroupBy":
                return Value("pandas.GroupBy", owner.shared)
            case None:
                view = isinstance(node.slice, ast.Slice) or (
                    isinstance(node.slice, ast.Tuple) and any(isinstance(e, ast.Slice) for e in node.slice.elts)
                )
                return Value(None, owner.shared, owner.view or view)
        if owner.elements and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            with_index = dict(enumerate(owner.elements))
            return with_index.get(node.slice.value, Value(None, owner.shared))
        if owner.type and owner.type.startswith("dict["):
            return Value(owner.type[5:-1].partition(", ")[2], owner.shared)
        same = isinstance(node.slice, ast.Slice)
        return Value(owner.type if same else element_type(owner.type), owner.shared)

    def located(self, key: ast.expr, owner: Value) -> Value:
        """``frame.loc[rows, columns]``."""
        if not isinstance(key, ast.Tuple) or len(key.elts) != 2:
            rows = self.value(key)
            fresh = rows.type in ARRAYS or isinstance(key, ast.List)
            return Value("pandas.DataFrame") if fresh else Value(None, owner.shared)
        rows, columns = (self.value(part) for part in key.elts)
        named = isinstance(key.elts[1], ast.Constant) and isinstance(key.elts[1].value, str)
        many = isinstance(key.elts[0], ast.Slice) or rows.type in ARRAYS or isinstance(key.elts[0], ast.List)
        if not many:
            return Value(None, owner.shared)
        lists = isinstance(key.elts[1], ast.List) or bool(columns.type and columns.type.startswith("list"))
        return Value("pandas.Series" if named else "pandas.DataFrame" if lists else None, owner.shared)

    def binary(self, left: Value, operator: ast.operator, right: Value) -> Value:
        kinds = (left.type, right.type)
        for array in ("pandas.DataFrame", "pandas.Series", "torch.Tensor", "numpy.ndarray"):
            if array in kinds:
                return Value(array, left.shared | right.shared if array == "torch.Tensor" else frozenset())
        if left.type in NUMBERS and right.type in NUMBERS:
            wide = joined(left.type, right.type)
            return Value("float" if isinstance(operator, ast.Div) else "int" if wide == "bool" else wide)
        if "pathlib.Path" in kinds and isinstance(operator, ast.Div):
            return Value("pathlib.Path")
        if left.type == "str":
            return Value("str")
        if not isinstance(operator, ast.Add | ast.Mult):
            return Value()  # only `+` and `*` of sequences put objects of their operands into the result
        same = left.type if left.type == right.type or (left.type or "").startswith("list") else None
        numeric = left.type in NUMBERS or right.type in NUMBERS
        if numeric and isinstance(operator, ast.Add):
            return Value(same)
        return Value(same, left.shared | right.shared, (left.view or right.view) and not numeric)

    def display(self, node: ast.Tuple | ast.List | ast.Set) -> Value:
        parts = tuple(self.value(part) for part in node.elts)
        word = type(node).__name__.lower()
        kinds = {p.type for p in parts}
        inner = next(iter(kinds)) if len(kinds) == 1 else None
        starred = any(isinstance(e, ast.Starred) for e in node.elts)
        kind = f"{word}[{inner}]" if inner and not starred else word
        return Value(kind, union(*parts).roots, any(p.view for p in parts), None if starred else parts)

    def dictionary(self, node: ast.Dict) -> Value:
        keys = {self.value(key).type for key in node.keys if key is not None}
        values = [self.value(value) for value in node.values]
        kinds = {v.type for v in values}
        key = next(iter(keys)) if len(keys) == 1 and None not in node.keys else None
        kind = next(iter(kinds)) if len(kinds) == 1 else None
        typed = f"dict[{key}, {kind}]" if key and kind else f"dict[{key}]" if key else "dict"
        return Value(typed if "dict[" in typed and kind else "dict", union(*values).roots)

    def comprehension(self, node: Comprehension) -> Value:
        outer = dict(self.local)
        for generator in node.generators:
            iterated = self.value(generator.iter)
            self.consume(generator.iter, iterated)
            item = self.item(iterated)
            for part in ast.walk(generator.target):
                if isinstance(part, ast.Name):
                    self.local[part.id] = Value()
            self.local_assign(generator.target, item)
            for condition in generator.ifs:
                self.value(condition)
        if isinstance(node, ast.DictComp):
            key, made = self.value(node.key), self.value(node.value)
            typed = f"dict[{key.type}, {made.type}]" if key.type and made.type else "dict"
        else:
            made = self.value(node.elt)
            word = {ast.ListComp: "list", ast.SetComp: "set"}.get(type(node), "generator")
            typed = f"{word}[{made.type}]" if made.type and word != "generator" else word
        self.local = outer
        roots = made.shared
        if isinstance(node, ast.GeneratorExp):
            roots |= frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in self.types)
        return Value(typed, roots, made.view)

    def item(self, iterated: Value) -> Value:
        if iterated.type == "zip" and iterated.elements is not None:
            parts = tuple(self.item(part) for part in iterated.elements)
            return Value("tuple", iterated.shared, iterated.view, parts)
        if iterated.type == "enumerate" and iterated.elements:
            return Value("tuple", iterated.shared, iterated.view, (Value("int"), self.item(iterated.elements[0])))
        return Value(element_type(iterated.type), iterated.shared, iterated.view)

    def consume(self, node: ast.expr, value: Value) -> None:
        """Iterating uses up an iterator, and a shuffling loader draws."""
        if value.elements is not None and value.type in ("zip", "enumerate"):
            for part in value.elements:  # made on the spot: only what it goes through can be used up
                if part.type in ITERATORS or part.type is None:
                    self.mutate(part.roots, "iterated over", node.lineno, guess=part.type is None)
        elif value.type in ITERATORS or (value.type is None and isinstance(node, ast.Name)):
            self.mutate(value.roots, "iterated over", node.lineno, guess=value.type is None)
        if value.type is None or value.type.startswith("torch."):
            self.flags.add("draws")

    # calls

    def call(self, node: ast.Call) -> Value:
        if isinstance(node.func, ast.Name) and node.func.id not in self.local:
            name = node.func.id
            if name in self.context.functions:
                self.calls.add(name)
                return self.summarised(self.context.functions[name], node, None)
            if name in self.context.classes:
                self.calls.add(name)
                return self.constructed(name, node)
            if name not in self.context.imports and name in BUILTINS and name not in self.types:
                row = self.context.library.function(f"builtins.{name}")
                if name == "open" and _opens_to_read(node):
                    row = Call(row.returns, row.flags - {"writes"})
                return self.apply(row, node, None, name)
        path = dotted_path(node.func, self.context.imports)
        if path is not None and root_name(node.func) not in self.local:
            return self.apply(self.context.library.function(path), node, None, path)
        if isinstance(node.func, ast.Attribute):
            return self.method(node, node.func)
        called = self.value(node.func)
        if called.type and called.type.startswith("notebook:"):
            return self.instance_method(called, "__call__", node)
        if called.type and called.type.startswith("torch.nn."):
            row = Call("torch.Tensor", frozenset({"mutates self", "shares", "keeps", "draws"}))
            return self.apply(row, node, called, "call")
        return self.apply(UNKNOWN, node, called, "call")

    def method(self, node: ast.Call, func: ast.Attribute) -> Value:
        receiver = self.value(func.value)
        if func.attr in ("query", "eval"):
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    for name in QUERY_NAME.findall(argument.value):
                        self.value(ast.Name(name, ast.Load(), lineno=node.lineno))
        if receiver.type and receiver.type.startswith("notebook:"):
            return self.instance_method(receiver, func.attr, node)
        row = self.context.library.method(receiver.type, func.attr)
        if row is None:
            defined = any(func.attr in cls.methods for cls in self.context.classes.values())
            row = UNKNOWN if defined else self.context.library.named_method(func.attr)
        return self.apply(row, node, receiver, func.attr)

    def instance_method(self, receiver: Value, name: str, node: ast.Call) -> Value:
        cls: NotebookClass | None = self.context.classes.get((receiver.type or "").removeprefix("notebook:"))
        while cls is not None:
            found = cls.methods.get(name) or (cls.methods.get("forward") if name == "__call__" else None)
            if found is not None:
                return self.summarised(found, node, receiver)
            base = cls.base or ""
            if base.startswith("notebook:"):
                cls = self.context.classes.get(base.removeprefix("notebook:"))
                continue
            row = self.context.library.method(base, name)
            return self.apply(row or UNKNOWN, node, receiver, name)
        return self.apply(UNKNOWN, node, receiver, name)

    def constructed(self, name: str, node: ast.Call) -> Value:
        cls = self.context.classes[name]
        init = cls.methods.get("__init__")
        kind = f"notebook:{name}"
        if init is not None:
            made = self.summarised(init, node, Value(kind))
            arguments = self.arguments_again(node)
        else:
            made = self.apply(UNKNOWN if cls.base else Call("", frozenset({"keeps"})), node, None, name)
            arguments = made.roots
        if cls.base and not cls.base.startswith("notebook:"):
            self.flags |= self.context.library.function(cls.base).flags & {"draws"}
        return Value(kind, arguments | made.roots)

    def arguments_again(self, node: ast.Call) -> frozenset[str]:
        """What the arguments can reach, without counting their effects twice."""
        quiet = _Walk(self.context, dict(self.types))
        quiet.local = dict(self.local)
        values = [quiet.value(a) for a in (*node.args, *(k.value for k in node.keywords))]
        return union(*values).roots

    def apply(self, row: Call, node: ast.Call, receiver: Value | None, name: str) -> Value:
        """A call whose row is known (or is the row for the unknown)."""
        positional = [self.value(argument) for argument in node.args]
        keywords = {k.arg or "**": self.value(k.value) for k in node.keywords}
        everything = [*positional, *keywords.values()]
        self.flags |= row.flags & {"draws", "seeds", "reads", "writes", "plots", "unknown", "process"}
        inplace = any(
            k.arg == "inplace" and not (isinstance(k.value, ast.Constant) and k.value.value is False)
            for k in node.keywords
        )
        shown, guess = f"`{name}`", "unknown" in row and not inplace
        if receiver is not None and ("mutates self" in row or inplace):
            self.mutate(receiver.shared, f"{shown} called on it", node.lineno, guess)
            if "keeps" in row:
                for root in receiver.roots:
                    self.alias(root, union(*everything).roots)
        if "mutates all" in row:
            for value in everything:
                self.mutate(value.shared, f"given to {shown}", node.lineno, guess)
        for position in (0, 1):
            if f"mutates {position}" in row:
                targets = positional[position : position + 1] or list(keywords.values())
                for value in targets:
                    self.mutate(value.shared, f"given to {shown}", node.lineno)
        if "out" in keywords:
            self.mutate(keywords["out"].shared, f"`out` of {shown}", node.lineno)
        if "consumes" in row:
            for argument, value in zip(node.args, positional, strict=False):
                self.consume(argument, value)
        return self.result(row, positional, everything, receiver, name)

    def result(
        self, row: Call, positional: list[Value], everything: list[Value], receiver: Value | None, name: str
    ) -> Value:
        roots: frozenset[str] = frozenset()
        if "keeps" in row or "view args" in row:
            roots |= union(*everything).roots
        if receiver is not None and ("shares" in row or "view" in row or row.returns == "self"):
            roots |= receiver.shared
        view = "view" in row or "view args" in row or ("shares" in row and bool(receiver and receiver.view))
        if row.returns == "self" and receiver is not None:
            return Value(receiver.type, roots)
        if name.endswith("train_test_split"):
            pairs = tuple(Value(v.type) for v in positional for _ in range(2))
            return Value("list", elements=pairs)
        if name.endswith("pyplot.subplots"):
            return Value("tuple", elements=(Value("matplotlib.figure.Figure"), Value(AXES)))
        if name in ("zip", "enumerate") and receiver is None:
            return Value(name, roots, view, tuple(positional))
        if name in ("round", "abs") and positional and positional[0].type in NUMBERS:
            return Value(positional[0].type if name == "abs" or len(everything) > 1 else "int")
        if name in ("list", "sorted", "set", "tuple") and positional:
            inner = element_type(positional[0].type)
            return Value(
                f"{name.replace('sorted', 'list')}[{inner}]" if inner else name.replace("sorted", "list"), roots
            )
        if name in ("min", "max") and len(positional) > 1 and all(v.type in NUMBERS for v in positional):
            return Value(joined(positional[0].type, positional[1].type))
        return Value(row.returns or None, roots, view)

    def summarised(self, summary: Summary, node: ast.Call, receiver: Value | None) -> Value:
        """A call of one of the notebook's own functions: its summary with arguments for parameters."""
        given: dict[str, Value] = {}
        formals = list(summary.parameters)
        if receiver is not None and formals:
            given[formals.pop(0)] = receiver
        spread: list[Value] = []
        for position, argument in enumerate(node.args):
            value = self.value(argument)
            if isinstance(argument, ast.Starred) or position >= len(formals):
                spread.append(value)
            else:
                given[formals[position]] = value
        for keyword in node.keywords:
            value = self.value(keyword.value)
            if keyword.arg in summary.parameters:
                given[str(keyword.arg)] = value
            else:
                spread.append(value)
        rest = union(*spread)

        def reached(name: str) -> frozenset[str]:
            if name in given:
                return given[name].shared
            if name in summary.parameters:
                return rest.roots
            return frozenset({name}) if name not in self.local else self.local[name].shared

        for name in sorted(summary.effects.mutates):
            self.mutate(
                reached(name), summary.effects.reasons.get(name, "by a helper").split(" in line")[0], node.lineno
            )
        for one, other in summary.effects.aliases:
            for root in reached(one):
                self.alias(root, reached(other), (one, other) in summary.effects.views)
        self.context_flags(summary)
        roots = frozenset().union(*(reached(name) for name in summary.returns.roots))
        return Value(summary.returns.type, roots, summary.returns.view)

    def free_effects(self, summary: Summary, line: int) -> None:
        """A function that is referred to may be called by whoever gets it: its effects on free names count."""
        free = summary.effects.mutates - set(summary.parameters)
        self.mutate(sorted(free - set(self.local)), "by a helper", line, guess=True)
        self.context_flags(summary)

    def context_flags(self, summary: Summary) -> None:
        effects = summary.effects
        self.calls |= effects.calls
        for flag, on in (
            ("draws", effects.draws),
            ("seeds", effects.seeds),
            ("reads", effects.reads_files),
            ("writes", effects.writes_files),
            ("plots", effects.plots),
            ("unknown", effects.unknown_calls),
            ("process", effects.process),
        ):
            if on:
                self.flags.add(flag)


def _opens_to_read(call: ast.Call) -> bool:
    """Whether ``open`` is called without a mode, or with one that only reads."""
    mode = next((k.value for k in call.keywords if k.arg == "mode"), call.args[1] if len(call.args) > 1 else None)
    if mode is None:
        return True
    return isinstance(mode, ast.Constant) and isinstance(mode.value, str) and not set(mode.value) & set("wax+")


def _joined_types(ends: Sequence[Mapping[str, str | None]], before: Mapping[str, str | None]) -> dict[str, str | None]:
    names = {name for end in ends for name in end}
    result: dict[str, str | None] = {}
    for name in names:
        kinds = [end.get(name, before.get(name)) if name in end or name in before else "unbound" for end in ends]
        known = [kind for kind in kinds if kind != "unbound"]
        first = known[0]
        for kind in known[1:]:
            first = joined(first, kind)
        result[name] = first
    return result
