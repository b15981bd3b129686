"""What a top-level statement may do to other code when its module is imported, judged from its tree alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

Function = ast.FunctionDef | ast.AsyncFunctionDef

#: Modules whose functions and classes may be called at import without effect on anything else.
PURE_MODULES = frozenset(
    "abc attr attrs collections copy dataclasses datetime decimal enum fractions functools itertools math nb2pipe "
    "operator pandera pathlib pydantic re statistics string types typing typing_extensions uuid contextlib".split()
)

PURE_CALLS = frozenset(
    [f"builtins.{name}" for name in
     "abs all any bool bytes complex dict divmod enumerate filter float frozenset int isinstance len list map max min "
     "object ord pow property range repr reversed round set slice sorted str sum super tuple type zip "
     "staticmethod classmethod chr bytearray hasattr issubclass hash id callable memoryview format".split()]
    + [f"numpy.{name}" for name in
       "arange array asarray float32 float64 full int32 int64 linspace logspace ones zeros random.default_rng".split()]
    + [f"pandas.{name}" for name in
       "CategoricalDtype DataFrame DatetimeIndex Index Interval Series Timedelta Timestamp date_range "
       "to_datetime".split()]
    + ["logging.getLogger", "threading.Lock", "threading.RLock", "threading.local", "os.getenv", "os.environ.get",
       "os.path.join", "os.path.dirname", "os.path.abspath", "os.path.basename", "os.path.expanduser", "os.getcwd"]
)  # fmt: skip

#: Methods that leave their object as it is, whatever common type it has.
PURE_METHODS = frozenset(
    "absolute as_posix casefold copy count endswith expanduser format get intersection items joinpath join keys lower "
    "lstrip relative_to resolve rstrip split splitlines startswith strip title union upper values with_name "
    "with_stem with_suffix difference".split()
)

#: Decorators of libraries that keep what they decorate somewhere.
KEEPS = re.compile(
    r"regist|accessor|hook|route|listen|handler|plugin|extension|subscri|command|implements", re.IGNORECASE
)


def chain_of(node: ast.expr) -> tuple[str, ...] | None:
    """``a.b.c`` as its names; ``None`` for other expressions."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else None


def dotted(chain: tuple[str, ...] | None, aliases: Mapping[str, str | None]) -> str | None:
    """The full name of what ``chain`` means: through an import, or of a builtin; ``None`` for a name made here."""
    if chain is None:
        return None
    known = aliases.get(chain[0], f"builtins.{chain[0]}")
    return None if known is None else ".".join((known, *chain[1:]))


def is_well_known(name: str | None) -> bool:
    """Whether calling it cannot be noticed elsewhere."""
    return name is not None and (name.partition(".")[0] in PURE_MODULES or name in PURE_CALLS)


def has_effect(statement: ast.stmt, aliases: Mapping[str, str | None]) -> bool:
    """Whether the statement may change anything but the names it binds; decorators and bases aside."""
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Global():
            return False
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            defaults = [*statement.args.defaults, *(value for value in statement.args.kw_defaults if value)]
            return any(_calls_unknown(value, aliases) for value in defaults)
        case ast.ClassDef():
            arguments = [*statement.bases, *(keyword.value for keyword in statement.keywords)]
            local: dict[str, str | None] = {**aliases, **dict.fromkeys(_bound_in(statement.body))}
            return any(_calls_unknown(value, aliases) for value in arguments) or any(
                has_effect(child, local) for child in statement.body
            )
        case ast.Assign(targets=targets, value=value):
            return _calls_unknown(value, aliases) or not all(_only_names(target) for target in targets)
        case ast.AnnAssign(target=target, value=known):
            return not _only_names(target) or (known is not None and _calls_unknown(known, aliases))
        case ast.Expr(value=ast.Constant()):
            return False
        case ast.If(test=test, body=body, orelse=orelse):
            return _calls_unknown(test, aliases) or any(has_effect(child, aliases) for child in (*body, *orelse))
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            inside = [*body, *orelse, *finalbody, *(child for handler in handlers for child in handler.body)]
            return any(has_effect(child, aliases) for child in inside)
        case _:
            return type(statement).__name__ != "TypeAlias"  # of Python 3.12 on


def only_wraps(function: Function, calls: int) -> bool:
    """Whether calling the decorator so many times does nothing but make functions."""
    for statement in function.body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if calls > 1 and not only_wraps(statement, calls - 1):
                    return False
            case ast.Return(value=None | ast.Name()) | ast.Expr(value=ast.Constant()):
                pass
            case _:
                return False
    return True


def _bound_in(body: Iterable[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield statement.name


def _only_names(target: ast.expr) -> bool:
    match target:
        case ast.Name():
            return True
        case ast.Starred(value=value):
            return _only_names(value)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(_only_names(part) for part in parts)
        case _:
            return False


def _calls_unknown(node: ast.AST, aliases: Mapping[str, str | None]) -> bool:
    if isinstance(node, (ast.Yield, ast.YieldFrom, ast.Await)):
        return True
    if isinstance(node, ast.Call) and not _is_pure_call(node.func, aliases):
        return True
    children = [*node.args.defaults, *node.args.kw_defaults] if isinstance(node, ast.Lambda) else None
    inside = ast.iter_child_nodes(node) if children is None else (child for child in children if child is not None)
    return any(_calls_unknown(child, aliases) for child in inside)


def _is_pure_call(function: ast.expr, aliases: Mapping[str, str | None]) -> bool:
    chain = chain_of(function)
    if chain is not None and is_well_known(dotted(chain, aliases)):
        return True
    if not isinstance(function, ast.Attribute) or function.attr not in PURE_METHODS:
        return False
    return chain is None or aliases.get(chain[0], "") is None or chain[0] not in aliases
