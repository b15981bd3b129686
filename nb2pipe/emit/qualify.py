"""Names that live in ``helpers.py``, spelled as its attributes wherever a stage reads or binds them."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable
from typing import TypeVar

import libcst as cst

from nb2pipe.analysis.scopes import asked_name, flow_of, scope_of
from nb2pipe.emit.source import CommentedStatement

_Node = TypeVar("_Node", bound=cst.CSTNode)


def qualified(body: Iterable[CommentedStatement], names: frozenset[str], module: str) -> list[CommentedStatement]:
    """``x`` becomes ``module.x`` for every name in ``names``; a definition or import is followed by its assignment."""
    result: list[CommentedStatement] = []
    for statement in body:
        changed = statement.visit(_Qualifier(names, module))
        assert isinstance(changed, cst.SimpleStatementLine | cst.BaseCompoundStatement)
        result.append(changed)
        for name in _bound_by_name(statement, names):
            line = cst.parse_statement(f"{module}.{name} = {name}")
            result.append(cst.ensure_type(line, cst.SimpleStatementLine))
    return result


def is_sharing(node: ast.stmt, module: str) -> bool:
    """Whether a statement is the assignment that follows a definition: ``module.x = x``."""
    match node:
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=owner), attr=name)], value=ast.Name(id=read)):
            return owner == module and name == read
    return False


def _bound_by_name(statement: CommentedStatement, names: frozenset[str]) -> list[str]:
    """Names that a definition or an import binds, which cannot be spelled as attributes there."""
    if isinstance(statement, cst.FunctionDef | cst.ClassDef):
        return [statement.name.value] if statement.name.value in names else []
    if isinstance(statement, cst.SimpleStatementLine):
        imports = [part for part in statement.body if isinstance(part, cst.Import | cst.ImportFrom)]
        return sorted({name for part in imports for name in flow_of(_parsed(part)).binds} & names)
    return []


def _parsed(node: cst.CSTNode) -> list[ast.stmt]:
    return ast.parse(textwrap.dedent(cst.Module([]).code_for_node(node))).body


class _Qualifier(cst.CSTTransformer):
    """Walks scopes as Python has them; a name that a scope binds itself is left alone there.

    Not its business: which names are shared.
    """

    def __init__(self, names: frozenset[str], module: str) -> None:
        super().__init__()
        self.names = names
        self.module = module
        self.functions: list[frozenset[str]] = []  # names of the functions, lambdas and comprehensions around
        self.class_names: frozenset[str] = frozenset()  # of the class body that is being executed

    def here(self, node: _Node) -> _Node:
        """The node, seen from where the walk is."""
        changed = node.visit(self)
        assert isinstance(changed, cst.CSTNode)
        return changed

    def within(self, node: _Node, own: Iterable[str]) -> _Node:
        """The node, seen from inside a function: what a class body around it binds is out of sight there."""
        before, self.class_names = self.class_names, frozenset()
        self.functions.append(frozenset(own))
        changed = self.here(node)
        self.functions.pop()
        self.class_names = before
        return changed

    def on_visit(self, node: cst.CSTNode) -> bool:
        return not isinstance(node, _BY_HAND)

    def on_leave(self, original_node: cst.CSTNode, updated_node: cst.CSTNode) -> cst.CSTNode:  # type: ignore[override]
        match original_node:
            case cst.Name():
                return self._name(original_node)
            case cst.Attribute() | cst.Arg():
                return original_node.with_changes(value=self.here(original_node.value))
            case cst.MatchKeywordElement():
                return original_node.with_changes(pattern=self.here(original_node.pattern))
            case cst.FormattedString():
                return self._with_written_out_equals(original_node, updated_node)
            case cst.Lambda():
                return self._lambda(original_node)
            case cst.FunctionDef():
                return self._function(original_node)
            case cst.ClassDef():
                return self._class(original_node)
            case cst.Comparison() | cst.Subscript() | cst.Call():
                return self._asking(original_node, updated_node)
            case cst.ListComp() | cst.SetComp() | cst.GeneratorExp() | cst.DictComp():
                return self._comprehension(original_node)
        return updated_node

    def _asking(self, before: cst.CSTNode, after: cst.CSTNode) -> cst.CSTNode:
        """``"x" in locals()`` asks the module where ``x`` lives."""
        if not _mentions_locals(before):
            return after
        asked = asked_name(ast.parse(f"({cst.Module([]).code_for_node(before)})", mode="eval").body)
        if asked is None or asked[0] not in self.names:
            return after
        namespace = cst.parse_expression(f"vars({self.module})")
        match after:
            case cst.Comparison(comparisons=[target]):
                return after.with_changes(comparisons=[target.with_changes(comparator=namespace)])
            case cst.Subscript():
                return after.with_changes(value=namespace)
            case cst.Call(func=cst.Attribute() as method):
                return after.with_changes(func=method.with_changes(value=namespace))
        return after

    def _name(self, node: cst.Name) -> cst.BaseExpression:
        name = node.value
        if name not in self.names or name in self.class_names or any(name in names for names in self.functions):
            return node
        return cst.Attribute(cst.Name(self.module), cst.Name(name), lpar=node.lpar, rpar=node.rpar)

    def _with_written_out_equals(self, before: cst.FormattedString, after: cst.CSTNode) -> cst.CSTNode:
        """``f"{x=}"`` shows the expression, which must read as the notebook has it."""
        assert isinstance(after, cst.FormattedString)
        parts: list[cst.BaseFormattedStringContent] = []
        for old, new in zip(before.parts, after.parts, strict=True):
            shows = isinstance(old, cst.FormattedStringExpression) and old.equal is not None
            if shows and not new.deep_equals(old) and isinstance(new, cst.FormattedStringExpression):
                assert isinstance(old, cst.FormattedStringExpression) and old.equal is not None
                code = cst.Module([]).code_for_node
                text = f"{code(old.expression)}{code(old.equal)}".replace("{", "{{").replace("}", "}}")
                conversion = new.conversion or (None if new.format_spec else "r")
                parts.append(cst.FormattedStringText(text))
                new = new.with_changes(equal=None, conversion=conversion)
            parts.append(new)
        return after.with_changes(parts=parts)

    def _lambda(self, node: cst.Lambda) -> cst.Lambda:
        tree = ast.parse(f"({cst.Module([]).code_for_node(node)})", mode="eval").body
        assert isinstance(tree, ast.Lambda)
        body = self.within(node.body, scope_of(tree).locals)
        return node.with_changes(params=self._parameters(node.params), body=body)

    def _function(self, node: cst.FunctionDef) -> cst.FunctionDef:
        tree = _parsed(node)[0]
        assert isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef)
        return node.with_changes(
            decorators=[self.here(decorator) for decorator in node.decorators],
            params=self._parameters(node.params),
            returns=self.here(node.returns) if node.returns else None,
            body=self.within(node.body, scope_of(tree).locals),
        )

    def _parameters(self, node: cst.Parameters) -> cst.Parameters:
        """Defaults and annotations belong to the scope around."""

        def parameter(param: cst.Param) -> cst.Param:
            default = self.here(param.default) if param.default else None
            annotation = self.here(param.annotation) if param.annotation else None
            return param.with_changes(default=default, annotation=annotation)

        star = parameter(node.star_arg) if isinstance(node.star_arg, cst.Param) else node.star_arg
        return node.with_changes(
            params=[parameter(param) for param in node.params],
            kwonly_params=[parameter(param) for param in node.kwonly_params],
            posonly_params=[parameter(param) for param in node.posonly_params],
            star_arg=star,
            star_kwarg=parameter(node.star_kwarg) if node.star_kwarg else None,
        )

    def _class(self, node: cst.ClassDef) -> cst.ClassDef:
        header = {
            "decorators": [self.here(decorator) for decorator in node.decorators],
            "bases": [self.here(base) for base in node.bases],
            "keywords": [self.here(keyword) for keyword in node.keywords],
        }
        before, self.class_names = self.class_names, frozenset()
        body = [self._class_line(statement) for statement in node.body.body]
        self.class_names = before
        return node.with_changes(body=node.body.with_changes(body=body), **header)

    def _class_line(self, statement: cst.CSTNode) -> cst.CSTNode:
        if isinstance(statement, cst.SimpleStatementLine):
            return statement.with_changes(body=[self._class_part(part) for part in statement.body])
        return self._class_part(statement)

    def _class_part(self, part: cst.CSTNode) -> cst.CSTNode:
        """A name is the class's own from the statement on that binds it; what a statement assigns is read before."""
        own = self.class_names | flow_of(_parsed(part)).may_bind
        if isinstance(part, cst.FunctionDef | cst.ClassDef):
            changed: cst.CSTNode = self.here(part)
        elif isinstance(part, cst.Assign | cst.AnnAssign) and part.value is not None:
            value = self.here(part.value)
            self.class_names = own
            changed = self.here(part).with_changes(value=value)
        else:
            self.class_names = own
            changed = self.here(part)
        self.class_names = own
        return changed

    def _comprehension(self, node: cst.BaseComp) -> cst.BaseComp:
        own = frozenset(_targets(node.for_in))
        parts = ("key", "value") if isinstance(node, cst.DictComp) else ("elt",)
        changes = {part: self.within(getattr(node, part), own) for part in parts}
        return node.with_changes(for_in=self._loop(node.for_in, own, first=True), **changes)

    def _loop(self, node: cst.CompFor, own: frozenset[str], first: bool) -> cst.CompFor:
        """What the first loop goes through belongs to the scope around."""
        return node.with_changes(
            target=self.within(node.target, own),
            iter=self.here(node.iter) if first else self.within(node.iter, own),
            ifs=[part.with_changes(test=self.within(part.test, own)) for part in node.ifs],
            inner_for_in=self._loop(node.inner_for_in, own, first=False) if node.inner_for_in else None,
        )


#: Nodes whose children are not all visited, or not from the same scope.
_BY_HAND = (
    cst.Attribute,
    cst.Arg,
    cst.MatchKeywordElement,
    cst.Lambda,
    cst.FunctionDef,
    cst.ClassDef,
    cst.BaseComp,
    cst.Import,
    cst.ImportFrom,
    cst.Global,
    cst.Nonlocal,
)


def _mentions_locals(node: cst.CSTNode) -> bool:
    match node:
        case cst.Comparison(comparisons=[cst.ComparisonTarget(comparator=cst.Call(func=cst.Name(value="locals")))]):
            return True
        case cst.Subscript(value=cst.Call(func=cst.Name(value="locals"))):
            return True
        case cst.Call(func=cst.Attribute(value=cst.Call(func=cst.Name(value="locals")))):
            return True
    return False


def _targets(loop: cst.CompFor) -> set[str]:
    tree = ast.parse(f"for {cst.Module([]).code_for_node(loop.target)} in (): pass")
    names = set(flow_of(tree.body).may_bind)
    return names | (_targets(loop.inner_for_in) if loop.inner_for_in else set())
