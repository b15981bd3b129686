"""Magics and shell lines as one table of translations; IPython's own transformer decides what is a magic."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from nb2pipe.notebook import shell
from nb2pipe.notebook.bodies import written_with
from nb2pipe.notebook.parsing import TREES_KEPT, parsed
from nb2pipe.notebook.trees import walk

#: Takes a magic's argument and the names that the notebook binds; gives Python, or ``None`` when the magic does nothing
#: to results.
Translation = Callable[[str, frozenset[str]], "str | None"]


class Untranslatable(Exception):
    """A magic that the table does not know, or one of its forms that it cannot translate."""


@dataclass(frozen=True)
class PlainCode:
    """A cell's code without magics.

    Attributes:
        code: plain Python with as many lines as the cell had; refused magics are ``...`` in it, or it is empty.
        dropped: the magics that were left out.
        refused: line (from 1) and text of each magic without a translation.
        imports: modules that the translations use by their names.
        written: names of the modules that it writes.
        appends: whether it appends to them.
    """

    code: str
    dropped: tuple[str, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()
    imports: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    appends: bool = False


def _drop(_: str, __: frozenset[str]) -> None:
    return None


def _statement(argument: str, _: frozenset[str]) -> str:
    """``%time x = f()`` runs its argument in the notebook's namespace."""
    return re.sub(r"^(-\S+\s+)*", "", argument)


def _environment(argument: str, _: frozenset[str]) -> str | None:
    """``%env NAME=value`` or ``%env NAME value`` sets; ``%env NAME`` gives."""
    name, equals, value = argument.partition("=")
    if not equals:
        name, _space, value = argument.strip().partition(" ")
    if not name.strip():
        return None
    if set(argument) & set("${") or len(name.split()) > 1:
        raise Untranslatable(argument)
    if not equals and not value.strip():
        return f"os.environ[{name.strip()!r}]"
    return f"os.environ[{name.strip()!r}] = {value.strip()!r}"


def _extension(argument: str, _: frozenset[str]) -> None:
    known = {"autoreload", "tensorboard", "line_profiler", "memory_profiler", "nb_black", "lab_black"}
    if argument.strip() not in known:
        raise Untranslatable(argument)


def _folder(argument: str, names: frozenset[str]) -> str:
    """``%cd folder``; neither ``-`` nor a bookmark."""
    folder = argument.strip().removeprefix("-q ").strip().strip("'\"")
    if not folder or folder.startswith(("-", "~", "/")) or set(folder) & set("$*?{"):
        raise Untranslatable(argument)
    return f"os.chdir({folder!r})"


def _system(command: str, names: frozenset[str]) -> str | None:
    return None if shell.is_idle(command) else shell.run(command, names)


def _command(name: str) -> Translation:
    """``%mkdir -p out`` is ``!mkdir -p out``."""
    return lambda argument, names: _system(f"{name} {argument}", names)


def _timed(argument: str, _: frozenset[str]) -> None:
    """``%timeit`` shows how long an expression takes; one of names, numbers and operators changes nothing."""
    plain = ast.Name | ast.Constant | ast.BinOp | ast.UnaryOp | ast.BoolOp | ast.Compare | ast.Tuple
    signs = ast.expr_context | ast.operator | ast.unaryop | ast.boolop | ast.cmpop
    code = re.sub(r"^(-[nrtcpqo]\s*\d*\s+)*", "", argument)
    try:
        tree = ast.parse(code.strip(), mode="eval").body
    except SyntaxError:
        raise Untranslatable(argument) from None
    if not all(isinstance(node, plain | signs) for node in walk(tree)):
        raise Untranslatable(argument)


def _deleted(argument: str, _: frozenset[str]) -> str:
    if not argument.strip().isidentifier():
        raise Untranslatable(argument)
    return f"del {argument.strip()}"


#: One row per line magic: name -> translation.
LINE_MAGICS: dict[str, Translation] = {
    "autoreload": _drop,
    "cat": _command("cat"),
    "cd": _folder,
    "conda": _drop,
    "config": _drop,
    "cp": _command("cp"),
    "env": _environment,
    "load_ext": _extension,
    "ls": _command("ls"),
    "mamba": _drop,
    "matplotlib": _drop,
    "mkdir": _command("mkdir"),
    "mv": _command("mv"),
    "pinfo": _drop,
    "pinfo2": _drop,
    "pip": _drop,
    "precision": _drop,
    "pwd": lambda _, __: "os.getcwd()",
    "rm": _command("rm"),
    "rmdir": _command("rmdir"),
    "set_env": _environment,
    "sx": lambda argument, names: shell.lines_of(argument, names),
    "system": lambda argument, names: shell.lines_of(argument, names),
    "time": _statement,
    "timeit": _timed,
    "who": _drop,
    "whos": _drop,
    "xdel": _deleted,
}

#: Cell magics that run the rest of the cell as it stands, and those that only show it.
TRANSPARENT_CELL_MAGICS = frozenset({"time", "capture"})
SHOWN_CELL_MAGICS = frozenset({"html", "javascript", "js", "latex", "markdown", "svg"})

#: What IPython's list of output lines can do beyond a list.
LINE_LIST_ATTRIBUTES = re.compile(
    r"\.(n|s|p|l|nlstr|spstr|get_nlstr|get_spstr|get_list|get_paths|grep|fields)\b(?!\s*=)"
)

#: Modules that translations use; they are imported as if the notebook did.
MODULES = frozenset({"os", "pathlib", "subprocess"})

#: Magics in a cell times its characters: a second or two of work, and far beyond what people write.
MOST_TRANSFORMED = 1_000_000

_KERNEL = "get_ipython"


@lru_cache(TREES_KEPT)
def plain_python(source: str, names: frozenset[str] = frozenset()) -> PlainCode:
    """The cell's code with every magic translated, dropped or listed as refused; lines keep their numbers.

    ``names`` are those that the notebook binds: a shell line may use their values.

    Raises:
        Untranslatable: more magics than anybody writes.
    """
    if _KERNEL not in source and "__name__" not in source and "__file__" not in source and _parses(source):
        return PlainCode(source)
    head, cell_magic, body = _cell_magic(source)
    if cell_magic is not None:
        return _whole_cell(head, cell_magic, body, names)
    return _line_magics(source, names)


def _parses(source: str) -> bool:
    try:
        parsed(source)
    except (SyntaxError, ValueError):
        return False
    return True


def _cell_magic(source: str) -> tuple[int, str | None, str]:
    """Blank lines before a cell magic, the magic without its ``%%``, and the rest of the cell."""
    lines = source.split("\n")
    head = next((i for i, line in enumerate(lines) if line.strip()), 0)
    first = lines[head] if lines else ""
    if not first.startswith("%%") or not first[2:].strip():
        return 0, None, source
    return head, first[2:].strip(), "\n".join(lines[head + 1 :])


def _whole_cell(head: int, magic: str, body: str, names: frozenset[str]) -> PlainCode:
    name, _, arguments = magic.partition(" ")
    shown = f"%%{magic}"
    if name in TRANSPARENT_CELL_MAGICS and not arguments.strip():
        inner = plain_python(body, names)
        shift = head + 1
        return PlainCode(
            "\n" * shift + inner.code,
            (shown, *inner.dropped),
            tuple((line + shift, text) for line, text in inner.refused),
            inner.imports,
            inner.written,
            inner.appends,
        )
    if name in SHOWN_CELL_MAGICS:
        return PlainCode("", (shown,))
    translated, written = written_with(name, arguments, shell.multi_line(body if body.endswith("\n") else body + "\n"))
    if translated is None:
        return PlainCode("", refused=((head + 1, shown),))
    appends = bool(written) and arguments.lstrip().startswith("-")
    return PlainCode("\n" * head + translated, imports=_modules_in(translated), written=written, appends=appends)


def _modules_in(code: str) -> frozenset[str]:
    return frozenset(module for module in MODULES if f"{module}." in code)


def _line_magics(source: str, names: frozenset[str]) -> PlainCode:
    transformed = source if _parses(source) else _transformed(source)
    if not _parses(transformed):
        return PlainCode(source)
    found = _Replacements(source, transformed, names)
    code = found.code()
    return PlainCode(
        "" if found.refused and (_KERNEL in code or not _parses(code)) else code,
        tuple(text for _, text in sorted(found.dropped)),
        tuple(sorted(found.refused)),
        frozenset().union(*(_modules_in(text) for text in found.made), frozenset()),
    )


def _transformed(source: str) -> str:
    from IPython.core.inputtransformer2 import TransformerManager

    marked = sum(any(mark in line for mark in "%!?") for line in source.split("\n"))
    if marked * len(source) > MOST_TRANSFORMED:  # IPython goes through the whole cell once for each magic
        raise Untranslatable("too many magics and shell lines in so long a cell")
    try:
        return TransformerManager().transform_cell(source)
    except RecursionError:
        raise
    except RuntimeError:  # it gives up after so many magics
        raise Untranslatable("too many magics and shell lines for IPython itself") from None


class _Replacements:
    """Walks the transformed cell and replaces calls of the kernel, and names that only a kernel has, in place."""

    def __init__(self, source: str, transformed: str, names: frozenset[str]) -> None:
        self.originals = source.split("\n")
        self.lines = transformed.split("\n")
        self.names = names
        self.dropped: list[tuple[int, str]] = []
        self.refused: list[tuple[int, str]] = []
        self.made: list[str] = []
        self.edits: list[tuple[int, int, int, str]] = []  # line from 0, columns in bytes, text
        self.lists_lines = bool(LINE_LIST_ATTRIBUTES.search(source))
        tree = parsed(transformed)
        self.enclosed = set(_enclosed(tree))
        self.statements = {
            id(node.value): node for node in walk(tree) if isinstance(node, ast.Expr) and node.lineno == node.end_lineno
        }
        for node in _outside_f_strings(tree):
            self._visit(node)

    def code(self) -> str:
        for line, start, end, text in sorted(self.edits, reverse=True):
            before = self.lines[line].encode()
            self.lines[line] = (before[:start] + text.encode() + before[end:]).decode()
        return "\n".join(self.lines).rstrip("\n")

    def _visit(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id="__name__", ctx=ast.Load()):
                self._replace(node, '"__main__"')
            case ast.Name(id="__file__", ctx=ast.Load()):
                self._replace(node, "__notebook_file__")
            case ast.Compare(
                left=ast.Call() as left, ops=[ast.IsNot() | ast.Is() as how], comparators=[ast.Constant(value=None)]
            ):
                if _is_kernel(left):
                    self._replace(node, str(isinstance(how, ast.IsNot)))
            case ast.Compare(
                left=ast.Constant(value="get_ipython"),
                ops=[ast.In() | ast.NotIn() as how],
                comparators=[ast.Call(func=ast.Name(id="globals" | "locals" | "vars" | "dir"), args=[])],
            ):
                self._replace(node, str(isinstance(how, ast.In)))
            case ast.Call(func=ast.Attribute(value=ast.Call() as owner)) if _is_kernel(owner):
                self._magic(node)

    def _replace(self, node: ast.expr, text: str) -> None:
        if node.lineno != node.end_lineno or node.end_col_offset is None:
            self.refused.append((node.lineno, self._shown(node)))
            return
        self.edits.append((node.lineno - 1, node.col_offset, node.end_col_offset, text))

    def _shown(self, node: ast.expr) -> str:
        return self.originals[node.lineno - 1].strip() if node.lineno <= len(self.originals) else ast.unparse(node)

    def _magic(self, call: ast.Call) -> None:
        statement = self.statements.get(id(call))
        try:
            text = self._translated(call, statement is not None)
        except (Untranslatable, ValueError):
            self.refused.append((call.lineno, self._shown(call)))
            if call.lineno == call.end_lineno:
                self._replace(call, "...")
            return
        if text is None:
            self.dropped.append((call.lineno, self._shown(call)))
        else:
            self.made.append(text)
        self._replace(call, text or "pass")

    def _translated(self, call: ast.Call, is_statement: bool) -> str | None:
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if call.keywords or not all(isinstance(a, ast.Constant) and isinstance(a.value, str) for a in call.args):
            raise Untranslatable(method)
        words = [str(argument.value) for argument in call.args if isinstance(argument, ast.Constant)]
        text = self._row(method, words)
        if text is None and is_statement:
            return None
        if text is not None and id(call) in self.enclosed and _has_values(text):
            raise Untranslatable(method)  # IPython sees only those variables around a function that its code names
        if text is None or (not is_statement and not _is_expression(text)) or not _parses(text):
            raise Untranslatable(method)
        return text

    def _row(self, method: str, words: list[str]) -> str | None:
        match method, words:
            case "run_line_magic", [name, argument] if name in LINE_MAGICS:
                return LINE_MAGICS[name](argument, self.names)
            case "magic", [line] if line.partition(" ")[0].lstrip("%") in LINE_MAGICS:
                name, _, argument = line.lstrip("%").partition(" ")
                return LINE_MAGICS[name](argument, self.names)
            case "run_cell_magic", [name, "", body] if name in TRANSPARENT_CELL_MAGICS:
                return "; ".join(ast.unparse(statement) for statement in ast.parse(body).body)
            case "run_cell_magic", [name, arguments, body] if name not in SHOWN_CELL_MAGICS:
                text, written = written_with(name, arguments, repr(body))
                if text is not None and not written:
                    return text
            case "run_cell_magic", [_, _, _]:
                return None
            case "system", [command]:
                return _system(command, self.names)
            case "getoutput", [command] if not self.lists_lines:
                return shell.lines_of(command, self.names)
        raise Untranslatable(method)


def _enclosed(tree: ast.Module) -> Iterator[int]:
    """What stands in a function or class within a function."""
    functions = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, functions) or (depth and isinstance(node, ast.ClassDef)):
            depth += 1
        if depth > 1:
            yield id(node)
        stack += [(child, depth) for child in ast.iter_child_nodes(node)]


def _has_values(code: str) -> bool:
    return any(isinstance(node, ast.JoinedStr) for node in walk(ast.parse(code)))


def _is_kernel(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == _KERNEL and not call.args


def _is_expression(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return True


def _outside_f_strings(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those of f-strings, whose places Python 3.11 does not tell."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.JoinedStr):
            stack.extend(ast.iter_child_nodes(node))
