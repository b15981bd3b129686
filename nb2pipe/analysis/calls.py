"""Calls: of libraries by their tables, of the notebook's own functions and classes by their summaries."""

from __future__ import annotations

import ast
import re
from abc import ABC, abstractmethod

from nb2pipe.analysis.context import BUILTINS, NotebookClass, Summary, dotted_path, root_name
from nb2pipe.analysis.ledger import Ledger
from nb2pipe.analysis.library import UNKNOWN, Call
from nb2pipe.analysis.values import AXES, DEFINITION, NUMBERS, Value, element_type, holding, is_immutable, joined, union

#: Methods that operators and builtins call.
SPECIAL = frozenset(
    f"__{name}__"
    for name in "add sub mul matmul truediv floordiv mod pow lshift rshift and or xor radd rsub rmul rmatmul rtruediv "
    "rfloordiv rmod rpow rlshift rrshift rand ror rxor neg pos invert abs eq ne lt le gt ge contains getitem len iter "
    "next bool hash int float index round format reversed getattr getattribute call enter exit".split()
)
QUERY_NAME = re.compile(r"@\s*([A-Za-z_]\w*)")


class CallWalk(Ledger, ABC):
    """What calling something does to what it is given."""

    @abstractmethod
    def value(self, node: ast.expr) -> Value:
        """What an expression may evaluate to; its effects are noted on the way."""

    @abstractmethod
    def consume(self, node: ast.expr, value: Value) -> None:
        """Notes that a value is iterated over."""

    def call(self, node: ast.Call) -> Value:
        if isinstance(node.func, ast.Name) and node.func.id not in self.local:
            name = node.func.id
            if name in self.context.functions:
                self.calls.add(name)
                return self.summarised(self.context.functions[name], node, None)
            if name in self.context.classes:
                self.calls.add(name)
                return self.constructed(name, node)
            if name == "super" and not node.args:  # inside a method: the same object, seen as one of its base class
                return union(
                    *(self.value(ast.Name(this, ast.Load())) for this in ("self", "cls") if this in self.types)
                )
            builtin = name in BUILTINS or name == "display"  # which the kernel puts among them
            if name not in self.context.imports and builtin and name not in self.types:
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

    def hooked(self, line: int, special: frozenset[str], *values: Value) -> None:
        """Operators and attributes may run methods of the notebook's classes, which may change what they are given."""
        active = self.context.active_hooks & special
        met = [v for v in values if v.type is None or v.type.startswith(("notebook:", "list", "dict", "tuple"))]
        if not active or not any(value.shared for value in met):
            return
        for value in met:
            self.mutate(value.shared, "an operator or property of its class used on it", line, guess=True)
        self.flags.add("unknown")
        for cls in self.context.classes.values():
            for name in active & cls.methods.keys():
                self.free_effects(cls.methods[name], line)

    def method(self, node: ast.Call, func: ast.Attribute) -> Value:
        receiver = self.value(func.value)
        if func.attr in ("query", "eval"):
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    for name in QUERY_NAME.findall(argument.value):
                        self.value(ast.Name(name, ast.Load(), lineno=node.lineno))
        if receiver.type and receiver.type.startswith("notebook:"):
            return self.instance_method(receiver, func.attr, node)
        if isinstance(func.value, ast.Name) and receiver.type == "type" and not func.attr.startswith("from"):
            return self.apply(UNKNOWN, node, receiver, func.attr)  # `list.append(rows, 1)`
        row = self.context.library.method(receiver.type, func.attr)
        if row is None:
            row = UNKNOWN if func.attr in self.context.method_names else self.context.library.named_method(func.attr)
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
            arguments = self.kept_arguments(init, node)
        else:
            made = self.apply(UNKNOWN if cls.base else Call("", frozenset({"keeps"})), node, None, name)
            arguments = made.roots
        if cls.base and not cls.base.startswith("notebook:"):
            self.flags |= self.context.library.function(cls.base).flags & {"draws"}
        return Value(kind, arguments | made.roots | cls.free)

    def kept_arguments(self, init: Summary, node: ast.Call) -> frozenset[str]:
        """What the new object may refer to: arguments that its constructor stores, without counting effects twice."""
        this, *formals = init.parameters or ("self",)
        stored = {name for pair in init.effects.aliases if this in pair for name in pair} - {this}
        self.types.begin()
        quiet = type(self)(self.context, self.types)
        quiet.local = dict(self.local)
        kept = {name for name in stored if name not in formals and name not in self.local}
        for position, argument in enumerate(node.args):
            known = position < len(formals) and not isinstance(argument, ast.Starred)
            if not known or formals[position] in stored:
                kept |= quiet.value(argument).shared
        for keyword in node.keywords:
            if keyword.arg not in formals or keyword.arg in stored:
                kept |= quiet.value(keyword.value).shared
        self.types.undo()
        return frozenset(kept)

    def apply(self, row: Call, node: ast.Call, receiver: Value | None, name: str) -> Value:
        """A call whose row is known (or is the row for the unknown)."""
        positional = [self.value(argument) for argument in node.args]
        keywords = {k.arg or "**": self.value(k.value) for k in node.keywords}
        everything = [*positional, *keywords.values()]
        if self.context.hooks and receiver is None and name in BUILTINS:
            self.hooked(node.lineno, SPECIAL, *everything)
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
                if value.type != DEFINITION:  # what calling it does is counted where it is named
                    self.mutate(value.shared, f"given to {shown}", node.lineno, guess)
        if "mutates all" in row or ("keeps" in row and row.flags & {"mutates 0", "mutates 1"}):
            first, *others = sorted(union(*everything).roots) or [""]
            self.alias(first, others)  # what is given may be put into something else that is given
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
        view = (
            "view" in row
            or "view args" in row
            or ("shares" in row and name != "copy" and bool(receiver and receiver.view))
        )
        if row.returns == "self" and receiver is not None:
            return Value(receiver.type, frozenset() if name == "copy" and _holds_immutables(receiver.type) else roots)
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
            kind = name.replace("sorted", "list")
            if inner is not None and is_immutable(inner):
                roots = frozenset()  # a new container of things that cannot change
            return Value(holding(kind, inner), roots)
        if name in ("min", "max") and len(positional) > 1 and all(v.type in NUMBERS for v in positional):
            return Value(joined(positional[0].type, positional[1].type))
        separate = "unknown" not in row and name.partition(".")[0] not in ("builtins", "copy", "itertools", "functools")
        return Value(row.returns or None, roots, view, apart=separate and "." in name)

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
            why = summary.effects.reasons.get(name, "by a helper").split(" in line")[0]
            self.mutate(reached(name), why, node.lineno, guess=name not in summary.effects.certain)
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


def _holds_immutables(kind: str | None) -> bool:
    """Whether a container of this type holds nothing that can change."""
    if kind and kind.startswith("dict["):
        return is_immutable(kind[5:-1].partition(", ")[2])
    return bool(kind and kind.startswith(("list[", "set["))) and is_immutable(element_type(kind))


def _opens_to_read(call: ast.Call) -> bool:
    """Whether ``open`` is called without a mode, or with one that only reads."""
    mode = next((k.value for k in call.keywords if k.arg == "mode"), call.args[1] if len(call.args) > 1 else None)
    if mode is None:
        return True
    return isinstance(mode, ast.Constant) and isinstance(mode.value, str) and not set(mode.value) & set("wax+")
