"""Constructs that no stage function can hold: found by a plain walk over each cell."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from nb2pipe.analysis.context import Context, dotted_path, root_name
from nb2pipe.analysis.model import ImportedName
from nb2pipe.analysis.scopes import Comprehension, asked_name
from nb2pipe.diagnostics import Diagnostic, rule
from nb2pipe.notebook import Cell
from nb2pipe.notebook.trees import children, remembered, walk

#: Names that the kernel puts into the namespace.
KERNEL_NAMES = frozenset(
    {"_", "__", "___", "_i", "_ii", "_iii", "_ih", "_oh", "_dh", "In", "Out", "exit", "quit", "get_ipython", "display"}
    | {"__file__", "__name__", "__doc__", "__builtins__", "__loader__", "__spec__", "__package__", "_exit_code"}
)
NUMBERED = re.compile(r"_i?\d+$")
DYNAMIC_CALLS = frozenset({"globals", "locals", "exec", "eval", "__import__", "compile", "breakpoint"})
DYNAMIC_WITHOUT_ARGUMENTS = frozenset({"vars", "dir"})

#: Import paths of what changes the process beyond what can be replayed, or looks into the namespace.
STATE_PATHS = re.compile(
    r"os\.(fchdir|putenv|unsetenv|umask|fork|environ\.(update|pop|setdefault|clear))$|signal\.|atexit\.|"
    r"sys\.(path|modules|meta_path|settrace|setprofile|stdout|stderr|excepthook)\b|importlib\.reload$|threading\.Thread$|"
    r"multiprocessing\.|concurrent\.futures\."
)
LOOP_PATHS = re.compile(r"asyncio\.(create_task|ensure_future|get_event_loop|get_running_loop|current_task|all_tasks)$")
AWAITING = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.comprehension)
DYNAMIC_PATHS = re.compile(r"sys\._getframe|inspect\.(stack|currentframe)|IPython\.get_ipython|builtins\.|__main__")


def construct_findings(cell: Cell, tree: ast.Module, context: Context, bound: frozenset[str]) -> list[Diagnostic]:
    """Diagnostics for one cell. ``bound`` are the names that the notebook itself binds."""
    found = [finding for statement in tree.body for finding in _of_statement(cell.number, statement, context, bound)]
    return [*found, *_tasks(cell.number, tree, context)]


@remembered
def awaits(statement: ast.stmt) -> bool:
    """Whether executing a statement needs a running event loop, as a kernel has one."""
    return any(isinstance(node, AWAITING) for node in walk(statement)) and any(
        isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)
        or (isinstance(node, ast.comprehension) and bool(node.is_async))
        for node in _outside_functions(statement)
    )


def needs_event_loop(statement: ast.stmt, imports: Mapping[str, tuple[ImportedName, ...]]) -> bool:
    """Whether a statement awaits, or asks for the loop that a kernel is running in."""
    asks = any(
        isinstance(node, ast.Attribute | ast.Name) and LOOP_PATHS.match(dotted_path(node, imports) or "")
        for node in walk(statement)
    )
    return asks or awaits(statement)


def _tasks(cell: int, tree: ast.Module, context: Context) -> Iterator[Diagnostic]:
    """Tasks started by a cell that awaits nothing below."""
    starting = [
        (position, statement)
        for position, statement in enumerate(tree.body)
        if any(isinstance(node, ast.Call) and _starts_task(node.func, context) for node in walk(statement))
    ]
    if not starting:
        return
    last_await = max((n for n, statement in enumerate(tree.body) if awaits(statement)), default=-1)
    for position, statement in starting:
        for node in _outside_functions(statement):
            if position > last_await and isinstance(node, ast.Call) and _starts_task(node.func, context):
                yield rule("NB102").found(cell, node.lineno, name=ast.unparse(node.func))


def _starts_task(function: ast.expr, context: Context) -> bool:
    """``asyncio.create_task``, by any name, or the method of a loop or group; ``asyncio.ensure_future``."""
    if isinstance(function, ast.Attribute) and function.attr in ("create_task", "ensure_future"):
        return function.attr == "create_task" or ast.unparse(function.value).endswith("asyncio")
    path = dotted_path(function, context.imports)
    return path is not None and path.endswith(("asyncio.create_task", "asyncio.ensure_future", ".create_task"))


def _of_statement(cell: int, statement: ast.stmt, context: Context, bound: frozenset[str]) -> Iterator[Diagnostic]:
    for node in walk(statement):
        line = getattr(node, "lineno", statement.lineno)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in bound:
            kernel = node.id in KERNEL_NAMES or NUMBERED.match(node.id)
            if kernel and not _shows(statement, node):
                yield rule("NB104").found(cell, line, name=node.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in bound:
            bare = node.func.id in DYNAMIC_WITHOUT_ARGUMENTS and not node.args
            named = node.func.id == "__import__" and len(node.args) == 1 and isinstance(node.args[0], ast.Constant)
            if (bare or node.func.id in DYNAMIC_CALLS) and not named and id(node) not in _asked(statement, context):
                yield rule("NB105").found(cell, line, name=f"{node.func.id}()")
        if isinstance(node, ast.Attribute | ast.Name):
            path = dotted_path(node, context.imports)
            if path and DYNAMIC_PATHS.match(path):
                yield rule("NB105").found(cell, line, name=path)
            elif path and _changes_process(path, statement, node):
                yield rule("NB207").found(cell, line, construct=ast.unparse(node))
    yield from _module_state(cell, statement, context)


def _changes_process(path: str, statement: ast.stmt, node: ast.expr) -> bool:
    if path == "os.chdir":
        return not _changes_folder_plainly(statement, node)
    return STATE_PATHS.match(path) is not None and not _reads_only(statement, node)


def _changes_folder_plainly(statement: ast.stmt, node: ast.expr) -> bool:
    """``os.chdir("folder")`` on a line of its own can be done again at the start of later stages."""
    match statement:
        case ast.Expr(value=ast.Call(func=func, args=[ast.Constant(value=str(folder))], keywords=[])):
            return func is node and not folder.startswith(("/", "~"))
    return False


def _asked(statement: ast.stmt, context: Context) -> set[int]:
    return {id(call) for name, call in namespace_questions(statement) if not _is_module_name(name, context)}


def namespace_questions(statement: ast.stmt) -> Iterator[tuple[str, ast.Call]]:
    """Names that a statement asks the namespace for (``"x" in globals()``), with the call that gives the namespace.

    Only where the answer can be had from the stage function's own names: not in functions, classes, comprehensions, and
    not in f-strings, whose places Python 3.11 does not tell.
    """
    stack: list[ast.AST] = [statement]
    closed = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef | ast.JoinedStr | Comprehension
    while stack:
        node = stack.pop()
        found = asked_name(node)
        if found is not None:
            yield found
        elif not isinstance(node, closed):
            stack.extend(children(node))


def _is_module_name(name: str, context: Context) -> bool:
    return name in context.imports or name in context.functions or name in context.classes


def _outside_functions(statement: ast.stmt) -> Iterator[ast.AST]:
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            stack.extend(children(node))


def _shows(statement: ast.stmt, name: ast.Name) -> bool:
    """``display(x)`` on a line of its own."""
    return (
        name.id == "display"
        and isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and statement.value.func is name
    )


def _reads_only(statement: ast.stmt, node: ast.expr) -> bool:
    """``sys.path`` and ``sys.stdout`` may be looked at."""
    return isinstance(statement, ast.Expr) and statement.value is node


def _module_state(cell: int, statement: ast.stmt, context: Context) -> Iterator[Diagnostic]:
    """Assignments into modules, where they are not a setting that can be replayed."""
    for node in walk(statement):
        if not isinstance(node, ast.Attribute | ast.Subscript) or not isinstance(node.ctx, ast.Store | ast.Del):
            continue
        root = root_name(node)
        if root not in context.imports or root is None:
            continue
        whole = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
        if isinstance(statement, ast.AugAssign):
            whole = statement.target
        names = {n.id for n in walk(statement) if isinstance(n, ast.Name)}
        literal = names <= context.imports.keys() | {"True", "False", "None", "str", "int", "float"}
        if node is not whole or not literal or isinstance(node.ctx, ast.Del):
            yield rule("NB207").found(cell, node.lineno, construct=ast.unparse(node))
