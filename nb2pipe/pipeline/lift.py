"""Literals that become parameters: paths, hyperparameters, column lists, thresholds, constants.

A parameter is named after the stage and the call that the literal came from; in the stage function it is a keyword
argument, named as short as the stage's own names allow.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from nb2pipe.analysis import Facts, Statement
from nb2pipe.analysis.context import BUILTINS, dotted_path
from nb2pipe.notebook.trees import children, walk
from nb2pipe.pipeline.literals import Literal, literal_value
from nb2pipe.pipeline.model import Edit, Parameter, ParameterKind

#: Calls whose keyword literals are hyperparameters: estimators, optimizers, schedulers, splitters, loaders.
TUNED = re.compile(
    r"(sklearn\.(?!metrics\b|base\b|inspection\b|utils\b)[\w.]*\.[A-Z]\w*|sklearn\.model_selection\.\w+|xgboost\.\w+|lightgbm\.\w+|"
    r"catboost\.\w+|torch\.optim\.[\w.]+|torch\.utils\.data\.(DataLoader|random_split)|statsmodels\.[\w.]*\.[A-Z]\w*)$"
)
READERS = re.compile(
    r"(pandas\.read_(?!sql|html|clipboard|gbq)\w+|numpy\.(load|loadtxt|genfromtxt|fromfile)|joblib\.load|torch\.load|polars\.(read|scan)_\w+)$"
)
WRITERS = re.compile(r"(numpy\.(save|savez|savetxt)|joblib\.dump|torch\.save|matplotlib\.pyplot\.savefig)$")
WRITING_METHODS = frozenset("to_csv to_parquet to_json to_excel to_feather to_pickle savefig".split())
COLUMN_KEYWORDS = frozenset(
    "columns subset on left_on right_on by id_vars value_vars usecols parse_dates features cols".split()
)
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
ORDINARY_NUMBERS = frozenset({0, 1, -1, 2})


@dataclass
class Namer:
    """Argument names that collide with nothing in the stage."""

    taken: set[str]
    numbered: dict[str, int] = field(default_factory=dict)

    def name(self, *candidates: str) -> str:
        """The first candidate that is free, numbered if none is."""
        for candidate in candidates:
            if self.free(candidate):
                break
        else:
            candidate = candidates[-1]
        base, count = candidate, self.numbered.get(candidate, 2)
        while not self.free(candidate):
            candidate, count = f"{base}_{count}", count + 1
        self.numbered[base] = count
        self.taken.add(candidate)
        return candidate

    def free(self, name: str) -> bool:
        """Whether ``name`` can be an argument here."""
        return (
            name.isidentifier()
            and name not in self.taken
            and not keyword.iskeyword(name)
            and name not in BUILTINS
            and not name.startswith("__")
        )


class Keys:
    """Config keys in use: none is the section of another."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._taken: set[str] = set()
        self._sections: set[str] = set()
        for key in keys:
            self.add(key)

    def add(self, key: str) -> None:
        """Takes a key."""
        self._taken.add(key)
        self._sections.update(_sections(key))

    def free(self, key: str) -> bool:
        """Whether a key can be taken."""
        return key not in self._taken and key not in self._sections and self._taken.isdisjoint(_sections(key))


def _sections(key: str) -> list[str]:
    """``a.b.c`` → ``a`` and ``a.b``."""
    return [key[:place] for place, letter in enumerate(key) if letter == "."]


@dataclass
class Lifted:
    """What lifting found in one stage."""

    params: dict[str, str] = field(default_factory=dict)
    parameters: list[Parameter] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)


def snake(name: str) -> str:
    """``HistGradientBoostingClassifier`` → ``hist_gradient_boosting_classifier``; always an identifier, or empty."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    clean = re.sub(r"\W+", "_", spaced, flags=re.ASCII).strip("_").lower()
    return f"n{clean}" if clean[:1].isdigit() else clean


def lift(
    stage: str, kind: str, statements: Iterable[Statement], facts: Facts, taken: Iterable[str], keys: Keys
) -> Lifted:
    """Parameters of one stage and the edits that put their names where the literals stood.

    ``taken`` are the names that the stage uses; ``keys`` the config keys in use, to which new ones are added.
    """
    namer = Namer(set(taken))
    lifted = Lifted()
    sites = [(statement, site) for statement in statements for site in _sites(statement, kind, facts)]
    makers: dict[str, list[int]] = {}
    together: dict[tuple[str, int], set[int]] = {}
    for statement, site in sites:
        calls = makers.setdefault(site.group, [])
        calls += [site.call] if site.call not in calls else []
        together.setdefault((site.group, id(statement)), set()).add(site.call)
    for statement, site in sites:
        if site.group and len(makers[site.group]) > 1:
            alone = len(together[site.group, id(statement)]) == 1
            site = _named_apart(site, statement.flow.binds if alone else (), makers[site.group].index(site.call))
        key = _unique(f"{stage}.{site.group}.{site.field}" if site.group else f"{stage}.{site.field}", keys)
        argument = namer.name(*site.arguments)
        lifted.params[argument] = key
        lifted.parameters.append(
            Parameter(key, site.literal.value, site.literal.annotation, site.kind, statement.cell, site.node.lineno)
        )
        lifted.edits.append(_replacement(statement.cell, site.node, argument))
    return lifted


def _named_apart(site: _Site, made: Collection[str], earlier: int) -> _Site:
    """Where a stage makes the same call twice, its parameters are named after what each call makes, or numbered."""
    if site.kind is not ParameterKind.HYPERPARAMETER:
        return site
    result = snake(next(iter(made))) if len(made) == 1 else ""
    group = result or (f"{site.group}_{earlier + 1}" if earlier else site.group)
    first = () if result or earlier else site.arguments[:1]
    return replace(site, group=group, arguments=(*first, f"{group}_{site.field}"))


def _replacement(cell: int, node: ast.expr, text: str) -> Edit:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return Edit(cell, node.lineno, node.col_offset, node.end_lineno, node.end_col_offset, text)


def _unique(key: str, keys: Keys) -> str:
    candidate, count = key, 2
    while not keys.free(candidate):
        candidate, count = f"{key}_{count}", count + 1
    keys.add(candidate)
    return candidate


@dataclass(frozen=True)
class _Site:
    """One literal to lift: where it is, what it is, and names to choose from."""

    node: ast.expr
    literal: Literal
    kind: ParameterKind
    group: str
    field: str
    arguments: tuple[str, ...]
    call: int = 0  # tells one call from another


def _sites(statement: Statement, kind: str, facts: Facts) -> Iterator[_Site]:
    seen: set[int] = set()
    for node, in_loop in _walk(statement.node):
        for site in (*_call_sites(node, facts), *_comparison_sites(node, statement), *_column_sites(node, kind)):
            repeated = in_loop and site.literal.mutable
            if id(site.node) not in seen and not repeated:
                if site.kind is ParameterKind.INPUT_PATH and _may_not_happen(statement.node):
                    site = replace(site, kind=ParameterKind.OUTPUT_PATH)
                seen.update(id(part) for part in walk(site.node))
                yield site


def _may_not_happen(statement: ast.stmt) -> bool:
    """Whether what a statement reads may be left unread, so that its file need not be there."""
    return any(isinstance(node, ast.If | ast.IfExp | ast.Try | ast.BoolOp | ast.Match) for node in walk(statement))


def _walk(statement: ast.stmt) -> Iterator[tuple[ast.AST, bool]]:
    """Nodes in source order, without the bodies of functions and classes; with whether they run repeatedly."""
    stack: list[tuple[ast.AST, bool]] = [(statement, False)]
    while stack:
        node, in_loop = stack.pop()
        yield node, in_loop
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef | ast.Assert):
            continue
        repeats = in_loop or isinstance(
            node, ast.For | ast.While | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
        )
        stack.extend((child, repeats) for child in reversed(children(node)))


def _call_sites(node: ast.AST, facts: Facts) -> Iterator[_Site]:
    if not isinstance(node, ast.Call):
        return
    path = dotted_path(node.func, facts.imports)
    method = node.func.attr if isinstance(node.func, ast.Attribute) and path is None else ""
    called = snake((path or method).rpartition(".")[2])
    if path and TUNED.match(path):
        for given in node.keywords:
            literal = literal_value(given.value) if given.arg else None
            if given.arg and literal is not None:
                names = (given.arg.rstrip("_") if keyword.iskeyword(given.arg) else given.arg, f"{called}_{given.arg}")
                yield _Site(given.value, literal, ParameterKind.HYPERPARAMETER, called, given.arg, names, id(node))
        return
    yield from _path_sites(node, path, method, called)
    for given in node.keywords:
        if given.arg in COLUMN_KEYWORDS:
            literal = _names_literal(given.value, 2)
            if literal is not None and called:
                argument = f"{called}_{given.arg}"
                yield _Site(given.value, literal, ParameterKind.COLUMNS, called, given.arg, (argument,))


def _path_sites(node: ast.Call, path: str | None, method: str, called: str) -> Iterator[_Site]:
    """Literal paths given to readers and writers."""
    reads = bool(path and READERS.match(path))
    writes = bool(path and WRITERS.match(path)) or method in WRITING_METHODS
    opens = isinstance(node.func, ast.Name) and node.func.id == "open"
    if opens:
        mode = next((k.value for k in node.keywords if k.arg == "mode"), node.args[1] if len(node.args) > 1 else None)
        text = mode.value if isinstance(mode, ast.Constant) and isinstance(mode.value, str) else "r"
        reads, writes, called = text.startswith("r") and "+" not in text, not text.startswith("r"), "open"
    if path == "pathlib.Path" and len(node.args) == 1:
        writes, called = True, "path"
    if not (reads or writes):
        return
    for argument in node.args[:2]:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and argument.value:
            literal = literal_value(argument)
            if literal is None or (opens and argument is not node.args[0]) or ("://" in argument.value and writes):
                continue
            stem = snake(PurePath(argument.value).stem) or "data"
            kind = ParameterKind.INPUT_PATH if reads else ParameterKind.OUTPUT_PATH
            yield _Site(argument, literal, kind, called, f"{stem}_path", (f"{stem}_path", f"{called}_{stem}_path"))
            return


def _names_literal(node: ast.expr, at_least: int) -> Literal | None:
    literal = literal_value(node) if isinstance(node, ast.List) else None
    if literal is None or len(literal.value) < at_least or literal.annotation != "list[str]":
        return None
    return literal


def _column_sites(node: ast.AST, kind: str) -> Iterator[_Site]:
    """``frame[["a", "b"]]``, and ``for column in ["a", "b"]`` where it does not spell out checks of the data."""
    if isinstance(node, ast.For) and isinstance(node.target, ast.Name) and kind != "validate_data":
        named = _names_literal(node.iter, 2)
        if named is not None:
            field_ = f"{snake(node.target.id)}_names"
            yield _Site(node.iter, named, ParameterKind.COLUMNS, "", field_, (field_,))
    if not isinstance(node, ast.Subscript) or isinstance(node.ctx, ast.Del):
        return
    literal = _names_literal(node.slice, 2)
    if literal is None:
        return
    owner = node.value.id if isinstance(node.value, ast.Name) else "selected"
    yield _Site(node.slice, literal, ParameterKind.COLUMNS, "", f"{snake(owner)}_columns", (f"{snake(owner)}_columns",))


def _comparison_sites(node: ast.AST, statement: Statement) -> Iterator[_Site]:
    """``delay > 15``: the number that something is compared with."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1 or not isinstance(node.ops[0], COMPARISONS):
        return
    if isinstance(statement.node, ast.While):
        return
    right = node.comparators[0]
    literal = literal_value(right)
    if literal is None or literal.annotation not in ("int", "float") or literal.value in ORDINARY_NUMBERS:
        return
    subject = _subject(node.left)
    if subject:
        name = f"{subject}_threshold"
        yield _Site(right, literal, ParameterKind.THRESHOLD, "", name, (name,))


def _subject(node: ast.expr) -> str:
    """What is compared, as a name: a column, an attribute, or a variable."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return snake(node.slice.value)
    if isinstance(node, ast.Attribute):
        return snake(node.attr)
    return snake(node.id) if isinstance(node, ast.Name) else ""


def path_names(statements: Iterable[Statement], facts: Facts) -> frozenset[str]:
    """Names that are used as (parts of) paths: given to a reader, to ``Path`` or to ``os.path.join``."""
    found: set[str] = set()
    for statement in statements:
        for node in walk(statement.node):
            if not isinstance(node, ast.Call):
                continue
            path = dotted_path(node.func, facts.imports) or ""
            if READERS.match(path) or path in ("pathlib.Path", "os.path.join"):
                for argument in node.args:
                    found |= {n.id for n in walk(argument) if isinstance(n, ast.Name)}
    return frozenset(found)


def input_path_names(statements: Iterable[Statement], facts: Facts) -> frozenset[str]:
    """Names that are handed to a reader as they are."""
    found: set[str] = set()
    for statement in statements:
        for node in walk(statement.node):
            if isinstance(node, ast.Call) and READERS.match(dotted_path(node.func, facts.imports) or ""):
                found |= {a.id for a in node.args[:1] if isinstance(a, ast.Name)}
    return frozenset(found)
