"""Expressions: what each may evaluate to, and what evaluating it does."""

from __future__ import annotations

import ast
from abc import abstractmethod

from nb2pipe.analysis.calls import SPECIAL, CallWalk
from nb2pipe.analysis.context import BUILTINS, dotted_path, root_name
from nb2pipe.analysis.scopes import Comprehension, scope_of
from nb2pipe.analysis.values import (
    ACCESSORS,
    ARRAYS,
    ATTRIBUTE_TYPES,
    AXES,
    DEFINITION,
    ITERATORS,
    NUMBERS,
    VIEW_ATTRIBUTES,
    Value,
    element_type,
    holding,
    joined,
    union,
)
from nb2pipe.notebook.trees import children, walk

ITEMS = frozenset({"__getitem__", "__missing__", "__class_getitem__"})


class ExpressionWalk(CallWalk):
    """Values of expressions, by kind of node."""

    @abstractmethod
    def assign(self, target: ast.expr, value: Value) -> None:
        """Binds a target (``:=`` binds inside expressions)."""

    @abstractmethod
    def local_assign(self, target: ast.expr, value: Value) -> None:
        """Binds the names of a comprehension."""

    @abstractmethod
    def nested_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        """Notes what a function made here may do once it is called."""

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
                left, right = self.value(node.left), self.value(node.right)
                self.hooked(node.lineno, SPECIAL, left, right)
                return self.binary(left, node.op, right)
            case ast.UnaryOp():
                operand = self.value(node.operand)
                self.hooked(node.lineno, SPECIAL, operand)
                return Value("bool" if isinstance(node.op, ast.Not) else operand.type)
            case ast.Compare():
                values = [self.value(part) for part in (node.left, *node.comparators)]
                self.hooked(node.lineno, SPECIAL, *values)
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
                for part in children(node):
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
                return Value(DEFINITION, frozenset(scope_of(node).free) - BUILTINS)
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
                parts = [self.value(child) for child in children(node) if isinstance(child, ast.expr)]
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
            return Value(DEFINITION, summary.free if summary is not None else self.context.classes[name].free)
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
        if self.context.hooks:
            self.hooked(node.lineno, frozenset({node.attr, "__getattr__", "__getattribute__"}), owner)
        kind = ATTRIBUTE_TYPES.get((owner.type or "", node.attr))
        if owner.type == AXES and node.attr == "flat":
            kind = AXES
        if owner.type in ("pandas.Series", None) and node.attr in ACCESSORS:
            kind = "pandas.accessor"
        elif kind is None and owner.type == "pandas.accessor":
            kind = "pandas.Series"
        table = owner.type in ("pandas.DataFrame", "pandas.Series", None)
        return Value(kind, owner.shared, owner.view or (node.attr in VIEW_ATTRIBUTES and table))

    def subscript(self, node: ast.Subscript) -> Value:
        owner = self.value(node.value)
        index = self.value(node.slice)
        if self.context.hooks:
            self.hooked(node.lineno, ITEMS, owner)
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
                if several or mask:
                    return Value("numpy.ndarray")
                cut = [node.slice, *(node.slice.elts if isinstance(node.slice, ast.Tuple) else [])]
                sliced = any(isinstance(part, ast.Slice) for part in cut)
                return Value("numpy.ndarray" if sliced else None, owner.shared)
            case "torch.Tensor":
                return Value("torch.Tensor", owner.shared)
            case "matplotlib.axes_grid":
                return Value(AXES, owner.shared)
            case "pandas.GroupBy":
                return Value("pandas.GroupBy", owner.shared)
            case None:
                return Value(None, owner.shared, owner.view)
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
        kind = word if starred else holding(word, inner)
        return Value(kind, union(*parts).roots, any(p.view for p in parts), None if starred else parts)

    def dictionary(self, node: ast.Dict) -> Value:
        keys = {self.value(key).type for key in node.keys if key is not None}
        values = [self.value(value) for value in node.values]
        kinds = {v.type for v in values}
        key = next(iter(keys)) if len(keys) == 1 and None not in node.keys else None
        kind = next(iter(kinds)) if len(kinds) == 1 else None
        return Value(holding("dict", key, kind), union(*values).roots)

    def comprehension(self, node: Comprehension) -> Value:
        outer = dict(self.local)
        for generator in node.generators:
            iterated = self.value(generator.iter)
            self.consume(generator.iter, iterated)
            item = self.item(iterated)
            for part in walk(generator.target):
                if isinstance(part, ast.Name):
                    self.local[part.id] = Value()
            self.local_assign(generator.target, item)
            for condition in generator.ifs:
                self.value(condition)
        if isinstance(node, ast.DictComp):
            key, made = self.value(node.key), self.value(node.value)
            typed = holding("dict", key.type, made.type)
        else:
            made = self.value(node.elt)
            word = {ast.ListComp: "list", ast.SetComp: "set"}.get(type(node), "generator")
            typed = word if word == "generator" else holding(word, made.type)
        self.local = outer
        roots = made.shared
        if isinstance(node, ast.GeneratorExp):
            roots |= frozenset(n.id for n in walk(node) if isinstance(n, ast.Name) and n.id in self.types)
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
