"""The notebook's own functions and classes: what a call of each does, found by a fixed point over their bodies."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, TypeVar

from nb2pipe.analysis.context import BUILTINS, Context, NotebookClass, Summary, dotted_path, root_name
from nb2pipe.analysis.effects import effects_of
from nb2pipe.analysis.groups import Groups, closure
from nb2pipe.analysis.model import Definition, Effects, ImportedName
from nb2pipe.analysis.scopes import FunctionNode, scope_of
from nb2pipe.analysis.values import Value, is_immutable
from nb2pipe.notebook.trees import children, walk

DefinitionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign

#: Decorators that leave a function's state alone.
PLAIN_DECORATORS = frozenset(
    "property staticmethod classmethod dataclasses.dataclass functools.wraps torch.no_grad torch.inference_mode "
    "abc.abstractmethod contextlib.contextmanager functools.total_ordering typing.overload".split()
)
CACHE = re.compile(r"(^|\.)(lru_cache|cache|memoize|singledispatch)\b")
MOST_ROUNDS = 12
T = TypeVar("T")


def definition_node(statement: ast.stmt) -> tuple[str, DefinitionNode] | None:
    """The name and node of a top-level definition; a lambda bound to a plain name counts as a function."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return statement.name, statement
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Lambda) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            return target.id, statement
    return None


def summaries(nodes: Mapping[str, DefinitionNode], context: Context) -> Context:
    """``context`` with a summary for every function and class, stable under one more round."""
    functions: dict[str, Summary] = {}
    classes: dict[str, NotebookClass] = {}
    free = _free_variables(nodes, context)
    for name, node in nodes.items():
        if isinstance(node, ast.ClassDef):
            base = _base(node, context, nodes)
            methods = {m.name: Summary(_parameters(m)) for m in _methods(node)}
            classes[name] = NotebookClass(base, methods, free[name], any(k.arg == "metaclass" for k in node.keywords))
        else:
            functions[name] = Summary(_parameters(_function(node)))
    known = _Asked(functions), _Asked(classes)
    working = replace(context, functions=known[0], classes=known[1])
    order = _callees_first(nodes)
    asked: dict[str, set[str]] = {}
    fresh = set(nodes)  # whose summary changed in this round or the one before, since somebody asked for it
    for _ in range(MOST_ROUNDS):
        fresh = _round(order, nodes, working, free, asked, fresh)
        if not fresh:
            break
    return replace(context, functions=dict(known[0]), classes=dict(known[1]))


def _round(
    order: Sequence[str],
    nodes: Mapping[str, DefinitionNode],
    working: Context,
    free: Mapping[str, frozenset[str]],
    asked: dict[str, set[str]],
    fresh: set[str],
) -> set[str]:
    """Summarises again what asked for something in ``fresh``; the names whose summary differs now."""
    functions, classes = working.functions, working.classes
    assert isinstance(functions, _Asked) and isinstance(classes, _Asked)
    changed: set[str] = set()
    for name in order:
        if name in asked and asked[name].isdisjoint(fresh) and asked[name].isdisjoint(changed):
            continue
        functions.asked = classes.asked = asked[name] = set()
        node = nodes[name]
        if isinstance(node, ast.ClassDef):
            made = {m.name: _summary(m, working, name) for m in _methods(node)}
            if made != classes[name].methods:
                classes[name] = replace(classes[name], methods=made)
                changed.add(name)
        else:
            summary = replace(_summary(_function(node), working), free=free[name])
            if summary != functions[name]:
                functions[name] = summary
                changed.add(name)
    return changed


class _Asked(dict[str, T]):
    """Summaries, and a note of which were asked for: who asked for none that changed need not be done again."""

    asked: set[str]

    def __getitem__(self, name: str) -> T:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As a dictionary's own."""
        self.asked.add(name)
        return super().get(name, default)


def _callees_first(nodes: Mapping[str, DefinitionNode]) -> list[str]:
    """Definitions in an order in which what one calls mostly comes before it."""
    order: dict[str, None] = {}
    met: set[str] = set()
    for start in nodes:
        stack = [start]
        while stack:
            name = stack[-1]
            if name in met:
                order.setdefault(stack.pop())
                continue
            met.add(name)
            scope = scope_of(inner_node(nodes[name]))
            stack += sorted(((scope.free | scope.evaluated) & nodes.keys()) - met)
    return list(order)


def _free_variables(nodes: Mapping[str, DefinitionNode], context: Context) -> dict[str, frozenset[str]]:
    """Definition -> the notebook's variables that running it reads, through what it calls too."""
    known = BUILTINS | context.imports.keys()
    free = {name: frozenset(scope_of(inner_node(node)).free - known) for name, node in nodes.items()}
    variables = {name: frozenset(n for n in names if n not in nodes) for name, names in free.items()}
    reach = closure({name: names & nodes.keys() for name, names in free.items()})
    return {name: frozenset().union(*(variables[callee] for callee in reach[name])) for name in nodes}


def definition(name: str, node: DefinitionNode, cell: int, context: Context, touched: frozenset[str]) -> Definition:
    """What is known of one definition. ``touched`` are the definitions whose attributes some code sets."""
    scope = scope_of(inner_node(node))
    if isinstance(node, ast.ClassDef):
        parts = [m.effects for m in context.classes[name].methods.values()]
        effects = Effects(
            mutates=frozenset().union(*(p.mutates for p in parts)) & scope.free if parts else frozenset(),
            calls=frozenset().union(*(p.calls for p in parts)) if parts else frozenset(),
        )
    else:
        effects = context.functions[name].effects
    return Definition(
        made_by_code=_made_by_code(node, context),
        name=name,
        node=node,
        cell=cell,
        free=scope.free,
        evaluated=scope.evaluated,
        writes=scope.writes,
        locals=scope.locals,
        effects=effects,
        state=_state(name, node, context, touched),
        cached=any(CACHE.search(ast.unparse(decorator)) for decorator in getattr(node, "decorator_list", ())),
    )


def hooks_of(trees: Iterable[ast.AST]) -> frozenset[str]:
    """Special methods and properties of all classes in the code: what operators, and reading attributes, may run."""
    found: set[str] = set()
    for tree in trees:
        for node in walk(tree):
            for member in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(member, ast.FunctionDef) and (_is_special(member.name) or member.decorator_list):
                    found.add(member.name)
    return frozenset(found - {"__init__", "__repr__", "__str__", "__post_init__", "__init_subclass__", "__new__"})


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def attributes_reached(trees: Iterable[ast.AST], imports: Mapping[str, tuple[ImportedName, ...]]) -> frozenset[str]:
    """Attributes whose objects code may change: it does more with them than to call, compare or go through them."""
    found: set[str] = set()
    for tree in trees:
        nodes = list(walk(tree))
        harmless = {id(part) for node in nodes for part in _only_looked_at(node, imports)}
        found |= {node.attr for node in nodes if isinstance(node, ast.Attribute) and id(node) not in harmless}
    return frozenset(found)


def _only_looked_at(node: ast.AST, imports: Mapping[str, tuple[ImportedName, ...]]) -> list[ast.AST]:
    match node:
        case ast.Call():
            known = isinstance(node.func, ast.Name) and node.func.id in BUILTINS
            harmless = (
                [*node.args, *(k.value for k in node.keywords)] if known or root_name(node.func) in imports else []
            )
            return [node.func, *harmless]
        case ast.Compare():
            return [node.left, *node.comparators]
        case ast.For() | ast.comprehension():
            return [node.iter]
        case ast.Subscript():
            return [node.slice]
        case ast.BinOp():
            return [node.left, node.right]
        case ast.FormattedValue() | ast.Starred():
            return [node.value]
    return []


def attribute_targets(trees: Sequence[ast.AST]) -> frozenset[str]:
    """Names whose attributes are set somewhere: ``f.calls = 0``, ``Model.scale = 2``, ``type(self).count += 1``."""
    found: set[str] = set()
    for tree in trees:
        for node in walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
                root = root_name(node)
                if root is not None:
                    found.add(root)
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("setattr", "delattr")
                and node.args
                and isinstance(node.args[0], ast.Name)
            ):
                found.add(node.args[0].id)
    return frozenset(found)


def inner_node(node: DefinitionNode) -> FunctionNode | ast.ClassDef:
    """The function, lambda or class itself."""
    return node if isinstance(node, ast.ClassDef) else _function(node)


def _function(node: DefinitionNode) -> FunctionNode:
    if isinstance(node, ast.Assign):
        assert isinstance(node.value, ast.Lambda)
        return node.value
    assert not isinstance(node, ast.ClassDef)
    return node


def _methods(node: DefinitionNode) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    assert isinstance(node, ast.ClassDef)
    return [child for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)]


def _parameters(node: FunctionNode) -> tuple[str, ...]:
    args = node.args
    named = [*args.posonlyargs, *args.args, *args.kwonlyargs, *(a for a in (args.vararg, args.kwarg) if a)]
    return tuple(a.arg for a in named)


def _base(node: ast.ClassDef, context: Context, nodes: Mapping[str, DefinitionNode]) -> str | None:
    for base in node.bases:
        path = dotted_path(base, context.imports)
        if path is not None:
            return path
        if isinstance(base, ast.Name) and base.id in nodes:
            return f"notebook:{base.id}"
        return "builtins.object"
    return None


def _summary(node: FunctionNode, context: Context, owner: str | None = None) -> Summary:
    parameters = _parameters(node)
    types: dict[str, str | None] = dict.fromkeys(parameters)
    for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
        if argument.annotation is not None:
            types[argument.arg] = _annotated(argument.annotation, context)
    if owner is not None and parameters:
        types[parameters[0]] = f"notebook:{owner}"
    body = [ast.Return(node.body, lineno=node.lineno)] if isinstance(node, ast.Lambda) else node.body
    effects, _, returned = effects_of(body, context, types)
    scope = scope_of(node)
    outside = (scope.locals - set(parameters)) - scope.writes
    groups = Groups(effects.aliases)
    mutated = groups.around(effects.mutates) - outside
    roots = groups.around(returned.roots) - outside
    kind = returned.type
    if not isinstance(node, ast.Lambda) and node.returns is not None and kind is None:
        kind = _annotated(node.returns, context)
    if any(isinstance(child, ast.Yield | ast.YieldFrom) for child in _own(node)):
        kind, roots = "generator", set(parameters)
    if isinstance(node, ast.AsyncFunctionDef):
        kind, roots = None, set(parameters)
    seen = [sorted(group - outside) for group in groups]
    visible = frozenset(pair for group in seen for pair in combinations(group, 2))
    return Summary(
        parameters,
        replace(
            effects,
            mutates=frozenset(mutated),
            certain=frozenset(groups.around(effects.certain) - outside),
            aliases=visible,
            views=frozenset(pair for pair in effects.views if not outside & set(pair)),
            reasons={name: why for name, why in effects.reasons.items() if name in mutated},
        ),
        Value(kind, frozenset() if is_immutable(kind) else frozenset(roots), returned.view, _plain(returned.elements)),
    )


def _plain(elements: tuple[Value, ...] | None) -> tuple[Value, ...] | None:
    """Types of the parts of a returned tuple; their roots are the function's own business."""
    if elements is None or any(e.shared for e in elements):
        return None
    return tuple(Value(e.type) for e in elements)


def _own(node: FunctionNode) -> list[ast.AST]:
    found: list[ast.AST] = []
    stack: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    while stack:
        current = stack.pop()
        found.append(current)
        if not isinstance(current, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            stack.extend(children(current))
    return found


def _annotated(annotation: ast.expr, context: Context) -> str | None:
    path = dotted_path(annotation, context.imports)
    if path is not None:
        return path
    if isinstance(annotation, ast.Name):
        if annotation.id in context.classes:
            return f"notebook:{annotation.id}"
        if annotation.id in ("int", "float", "str", "bool", "list", "dict", "tuple", "set", "bytes"):
            return annotation.id
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return "None"
    return None


def _made_by_code(node: DefinitionNode, context: Context) -> bool:
    """Whether making it runs the notebook's own code: a decorator, a metaclass, a hook of a base class."""
    if isinstance(node, ast.Assign):
        return False
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if dotted_path(target, context.imports) is None and not (
            isinstance(target, ast.Name) and target.id in PLAIN_DECORATORS
        ):
            return True
    if not isinstance(node, ast.ClassDef):
        return False
    if any(keyword.arg == "metaclass" for keyword in node.keywords):
        return True
    owner: NotebookClass | None = context.classes.get(node.name)
    for _ in range(len(context.classes)):
        base = owner.base if owner is not None else None
        if base is None or not base.startswith("notebook:"):
            return False
        owner = context.classes.get(base.removeprefix("notebook:"))
        if owner is None or owner.made_by_code or "__init_subclass__" in owner.methods:
            return True
    return False


def _state(name: str, node: DefinitionNode, context: Context, touched: frozenset[str]) -> str:
    """What a definition keeps between calls, in words; empty when it keeps nothing."""
    if name in touched:
        return "its attributes are set"
    if isinstance(node, ast.Assign):
        return ""
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        path = dotted_path(target, context.imports) or (target.id if isinstance(target, ast.Name) else None)
        if path not in PLAIN_DECORATORS:
            return f"its decorator `{ast.unparse(target)}`"
    if isinstance(node, ast.ClassDef):
        return _class_state(name, node, context)
    positional = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
    defaults = dict(zip(reversed(positional), reversed(node.args.defaults), strict=False))
    defaults |= {a.arg: d for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is not None}
    effects = context.functions[name].effects
    for argument, default in defaults.items():
        changes = argument in effects.mutates or argument in context.functions[name].returns.roots
        if not isinstance(default, ast.Constant | ast.Name | ast.Attribute | ast.UnaryOp | ast.Tuple) and changes:
            return f"the default of its argument `{argument}`"
    return ""


def _class_state(name: str, node: ast.ClassDef, context: Context) -> str:
    for child in walk(node):
        if isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
            owner = ast.unparse(child.value)
            if owner in (name, "cls", "type(self)", "self.__class__"):
                return "its class attributes are set"
    mutable = {
        target.id
        for child in node.body
        if isinstance(child, ast.Assign) and isinstance(child.value, ast.List | ast.Dict | ast.Set | ast.Call)
        for target in child.targets
        if isinstance(target, ast.Name)
    }
    plain = any("dataclass" in ast.unparse(d) for d in node.decorator_list) or any(
        ast.unparse(base).endswith(("Enum", "Flag", "NamedTuple", "TypedDict")) for base in node.bases
    )
    assigned = {
        n.attr
        for method in _methods(node)
        for n in walk(method)
        if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)
    }
    kept = sorted((mutable & context.reached) - assigned)
    return f"its class attribute `{kept[0]}`" if kept and not plain else ""
