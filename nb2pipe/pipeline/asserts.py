"""The author's own asserts, read as contracts of tables and as thresholds of metrics."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nb2pipe.analysis import Statement
from nb2pipe.pipeline.literals import literal_value
from nb2pipe.pipeline.model import ColumnRule, Threshold

Constants = Mapping[str, Any]


@dataclass(frozen=True)
class TableRules:
    """What asserts say of one table."""

    columns: tuple[ColumnRule, ...] = ()
    checks: tuple[str, ...] = ()
    cells: tuple[int, ...] = ()


def table_rules(statements: Iterable[Statement], tables: Iterable[str], constants: Constants) -> dict[str, TableRules]:
    """Rules for each of ``tables`` (names of frames) from asserts made on them as they came into the stage.

    A table stops counting once the stage binds or changes it: what is said afterwards is not said of the input.
    ``constants`` are names whose literal values are known.
    """
    valid = set(tables)
    found: dict[str, TableRules] = {}
    for statement in statements:
        for condition, bindings in _conditions(statement.node, constants):
            for table, column, rule, check in _readings(condition, bindings):
                if table in valid:
                    found[table] = _with(found.get(table, TableRules()), column, rule, check, statement.cell)
        valid -= statement.flow.may_bind | statement.effects.mutates
    return found


def _with(rules: TableRules, column: str | None, rule: ColumnRule | None, check: str | None, cell: int) -> TableRules:
    cells = rules.cells if cell in rules.cells else (*rules.cells, cell)
    if check is not None:
        checks = rules.checks if check in rules.checks else (*rules.checks, check)
        return replace(rules, checks=checks, cells=cells)
    assert column is not None and rule is not None
    known = {c.column: c for c in rules.columns}
    old = known.get(column, ColumnRule(column))
    known[column] = ColumnRule(
        column,
        tuple(dict.fromkeys((*old.checks, *rule.checks))),
        old.nullable and rule.nullable,
        old.unique or rule.unique,
    )
    return replace(rules, columns=tuple(known.values()), cells=cells)


def _conditions(node: ast.stmt, constants: Constants) -> Iterator[tuple[ast.expr, Constants]]:
    """The conditions that a statement asserts, one by one, with the values of the loop's name."""
    if isinstance(node, ast.Assert):
        for part in _conjuncts(node.test):
            yield part, constants
    elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
        values = _constant(node.iter, constants)
        if isinstance(values, list | tuple):
            for value in values:
                for child in node.body:
                    yield from _conditions(child, {**constants, node.target.id: value})


def _conjuncts(test: ast.expr) -> Iterator[ast.expr]:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for part in test.values:
            yield from _conjuncts(part)
    else:
        yield test


Reading = tuple[str, str | None, ColumnRule | None, str | None]


def _readings(test: ast.expr, constants: Constants) -> Iterator[Reading]:
    yield from _required_columns(test, constants)
    yield from _row_count(test, constants)
    for table, columns, rule in _column_rule(test, constants):
        for column in columns:
            yield table, column, replace(rule, column=column), None


def _constant(node: ast.expr, constants: Constants) -> Any:
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _constant(node.left, constants), _constant(node.right, constants)
        return left + right if isinstance(left, list) and isinstance(right, list) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "list", "tuple"):
        return _constant(node.args[0], constants) if len(node.args) == 1 else None
    if isinstance(node, ast.Set):
        literal = literal_value(ast.List(node.elts, ast.Load()))
        return None if literal is None else literal.value
    literal = literal_value(node)
    return None if literal is None else literal.value


def _required_columns(test: ast.expr, constants: Constants) -> Iterator[Reading]:
    """``set(names) <= set(table.columns)``, ``set(names).issubset(table.columns)``, ``"x" in table.columns``, …"""
    names: Any = None
    owner: ast.expr | None = None
    match test:
        case ast.Compare(left=left, ops=[ast.LtE() | ast.Eq()], comparators=[right]):
            names, owner = _constant(left, constants), right
            if isinstance(test.ops[0], ast.Eq) and not _columns_owner(right):
                return
        case ast.Compare(left=left, ops=[ast.In()], comparators=[right]):
            names, owner = [_constant(left, constants)], right
        case ast.Compare(left=left, ops=[ast.GtE()], comparators=[right]):
            names, owner = _constant(right, constants), left
        case ast.Call(func=ast.Attribute(value=value, attr="issubset"), args=[argument]):
            names, owner = _constant(value, constants), argument
        case ast.UnaryOp(op=ast.Not(), operand=ast.BinOp(left=left, op=ast.Sub(), right=right)):
            names, owner = _constant(left, constants), right
        case ast.Call(func=ast.Name(id="all"), args=[ast.GeneratorExp(elt=elt, generators=[loop])]):
            if isinstance(elt, ast.Compare) and isinstance(elt.ops[0], ast.In):
                names, owner = _constant(loop.iter, constants), elt.comparators[0]
    table = _columns_owner(owner) if owner is not None else None
    if table and isinstance(names, list | tuple) and all(isinstance(name, str) for name in names):
        for name in names:
            yield table, name, ColumnRule(name), None


def _columns_owner(node: ast.expr) -> str | None:
    """The table of ``table.columns`` and ``set(table.columns)``."""
    while isinstance(node, ast.Call) and len(node.args) == 1:
        node = node.args[0]
    if isinstance(node, ast.Attribute) and node.attr == "columns" and isinstance(node.value, ast.Name):
        return node.value.id
    return node.id if isinstance(node, ast.Name) else None


def _row_count(test: ast.expr, constants: Constants) -> Iterator[Reading]:
    """``len(table) > 1000``."""
    match test:
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=table)]),
            ops=[ast.Gt() | ast.GtE() | ast.Eq() as operator],
            comparators=[right],
        ):
            count = _constant(right, constants)
            if isinstance(count, int):
                sign = {ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=="}[type(operator)]
                said = (
                    f"more than {count} rows"
                    if sign == ">"
                    else f"{'at least' if sign == '>=' else 'exactly'} {count} rows"
                )
                yield table, None, None, f'pa.Check(lambda table: len(table) {sign} {count}, error="{said}")'


def _column_rule(test: ast.expr, constants: Constants) -> Iterator[tuple[str, list[str], ColumnRule]]:
    match test:
        case ast.Call(func=ast.Attribute(value=inner, attr="all"), args=[]):
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "all":
                inner = inner.func.value
            yield from _elementwise(inner, constants, strict=True)
        case ast.UnaryOp(op=ast.Not(), operand=ast.Call(func=ast.Attribute(value=inner, attr="any"), args=[])):
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "any":
                inner = inner.func.value
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
                table, columns = _series(inner.func.value, constants)
                if table and inner.func.attr in ("isna", "isnull"):
                    yield table, columns, ColumnRule("", nullable=False)
                elif table and inner.func.attr == "duplicated":
                    yield table, columns, ColumnRule("", unique=True)
        case ast.Attribute(value=inner, attr="is_unique"):
            table, columns = _series(inner, constants)
            if table:
                yield table, columns, ColumnRule("", unique=True)
        case ast.Compare(
            left=ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Attribute(value=inner, attr=kind)), attr="sum")),
            ops=[ast.Eq()],
            comparators=[ast.Constant(value=0)],
        ):
            table, columns = _series(inner, constants)
            if table and kind in ("isna", "isnull"):
                yield table, columns, ColumnRule("", nullable=False)


def _elementwise(node: ast.expr, constants: Constants, strict: bool) -> Iterator[tuple[str, list[str], ColumnRule]]:
    """``series.between(a, b)`` and its like. A null fails such a comparison, so the column is not nullable."""
    match node:
        case ast.Call(func=ast.Attribute(value=inner, attr=("notna" | "notnull"))):
            table, columns = _series(inner, constants)
            if table:
                yield table, columns, ColumnRule("", nullable=False)
        case ast.Call(func=ast.Attribute(value=inner, attr="between"), args=[low, high], keywords=[]):
            bounds = _constant(low, constants), _constant(high, constants)
            yield from _checked(
                inner, constants, f"pa.Check.in_range({bounds[0]!r}, {bounds[1]!r})", None not in bounds
            )
        case ast.Call(func=ast.Attribute(value=inner, attr="isin"), args=[allowed]):
            values = _constant(allowed, constants)
            known = isinstance(values, list | tuple) and None not in values
            yield from _checked(inner, constants, f"pa.Check.isin({list(values)!r})" if known else "", known)
        case ast.Compare(left=inner, ops=[operator], comparators=[right]):
            words: dict[type[ast.cmpop], str] = {
                ast.Gt: "gt",
                ast.GtE: "ge",
                ast.Lt: "lt",
                ast.LtE: "le",
                ast.NotEq: "ne",
            }
            value = _constant(right, constants)
            word = words.get(type(operator))
            known = word is not None and isinstance(value, int | float) and not isinstance(value, bool)
            yield from _checked(inner, constants, f"pa.Check.{word}({value!r})", known)
        case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
            yield from _elementwise(left, constants, strict)
            yield from _elementwise(right, constants, strict)


def _checked(
    inner: ast.expr, constants: Constants, check: str, known: bool
) -> Iterator[tuple[str, list[str], ColumnRule]]:
    without_nulls = (
        isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "dropna"
    )
    if without_nulls:
        assert isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute)
        inner = inner.func.value
    table, columns = _series(inner, constants)
    if table and known:
        yield table, columns, ColumnRule("", checks=(check,), nullable=without_nulls)


def _series(node: ast.expr, constants: Constants) -> tuple[str | None, list[str]]:
    """The table and columns of ``table["x"]``, ``table.x`` and ``table[["x", "y"]]``."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        names = _constant(node.slice, constants)
        if isinstance(names, str):
            return node.value.id, [names]
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return node.value.id, names
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id, [node.attr]
    return None, []


def threshold_of(statement: Statement, metrics: Mapping[str, str | None]) -> Threshold | None:
    """The bound that ``assert metrics["auc"] >= 0.7`` sets; ``None`` for any other statement.

    ``metrics`` are the names that the stage hands over as metrics, with their types.
    """
    match statement.node:
        case ast.Assert(test=ast.Compare(left=left, ops=[ast.GtE() | ast.LtE() as operator], comparators=[right])):
            literal = literal_value(right)
            metric = _metric(left, metrics)
            if metric and literal is not None and literal.annotation in ("int", "float"):
                bound = "min" if isinstance(operator, ast.GtE) else "max"
                return Threshold(metric, bound, literal.value, statement.cell, statement.line)
    return None


def _metric(node: ast.expr, metrics: Mapping[str, str | None]) -> str | None:
    keys: list[str] = []
    while (
        isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
    ):
        keys.append(node.slice.value)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in metrics or any("." in key for key in keys):
        return None
    path = [*([] if node.id == "metrics" and keys else [node.id]), *reversed(keys)]
    return ".".join(path)
