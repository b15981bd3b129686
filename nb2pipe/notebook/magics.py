"""Magics and shell lines as one table of translations; IPython's own transformer decides what is a magic."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from nb2pipe.notebook.parsing import TREES_KEPT, parsed
from nb2pipe.notebook.trees import walk

#: What a translation answers: Python for the line, or ``None`` when the line has no effect on results.
Translation = Callable[[str], "str | None"]


class Untranslatable(Exception):
    """A magic that the table does not know, or one of its forms that it cannot translate."""


@dataclass(frozen=True)
class PlainCode:
    """A cell's code without magics.

    Attributes:
        code: plain Python with as many lines as the cell had.
        dropped: the magics that were left out.
        refused: line (from 1) and text of each magic without a translation.
    """

    code: str
    dropped: tuple[str, ...] = ()
    refused: tuple[tuple[int, str], ...] = ()


def _drop(_: str) -> None:
    return None


def _statement(argument: str) -> str:
    """``%time x = f()`` runs its argument in the notebook's namespace."""
    return re.sub(r"^(-\S+\s+)*", "", argument)


def _environment(argument: str) -> str:
    """``%env NAME=value`` or ``%env NAME value`` sets; ``%env`` and ``%env NAME`` show."""
    name, equals, value = argument.partition("=")
    if not equals:
        name, _, value = argument.strip().partition(" ")
    if not value.strip():
        return "pass"
    if "$" in value or "{" in value:
        raise Untranslatable(argument)
    return f"import os; os.environ[{name.strip()!r}] = {value.strip()!r}"


def _extension(argument: str) -> None:
    if argument.strip() not in {
        "autoreload",
        "tensorboard",
        "line_profiler",
        "memory_profiler",
        "nb_black",
        "lab_black",
    }:
        raise Untranslatable(argument)


def _system(command: str) -> None:
    words = shlex.split(command)
    installs = ("pip", "pip3", "conda", "mamba", "uv")
    if words[:1] and (words[0] in installs or words[0].endswith(("/pip", "/pip3"))):
        return
    if len(words) > 2 and words[0].startswith("python") and words[1:3] == ["-m", "pip"]:
        return
    if (
        words[:1]
        and words[0] in ("ls", "pwd", "nvidia-smi", "whoami", "date", "uname", "head", "tail", "wc", "cat", "du")
        and not set(command) & set("><|;&`$")
    ):
        return
    raise Untranslatable(command)


#: One row per line magic: name → translation.
LINE_MAGICS: dict[str, Translation] = {
    "autoreload": _drop,
    "conda": _drop,
    "config": _drop,
    "env": _environment,
    "load_ext": _extension,
    "mamba": _drop,
    "matplotlib": _drop,
    "pinfo": _drop,
    "pinfo2": _drop,
    "pip": _drop,
    "precision": _drop,
    "pwd": _drop,
    "set_env": _environment,
    "time": _statement,
    "who": _drop,
    "who_ls": _drop,
    "whos": _drop,
}

#: Cell magics that run the rest of the cell as it stands.
TRANSPARENT_CELL_MAGICS = frozenset({"time", "capture"})

#: Magics in a cell times its characters: a second or two of work, and far beyond what people write.
MOST_TRANSFORMED = 1_000_000

_KERNEL_CALL = re.compile(r"get_ipython\(\)")


@lru_cache(TREES_KEPT)
def plain_python(source: str) -> PlainCode:
    """The cell's code with every magic translated, dropped or listed as refused; lines keep their numbers.

    Raises:
        Untranslatable: more magics than anybody writes.
    """
    if _parses(source):
        return PlainCode(source)
    head, cell_magic, body = _cell_magic(source)
    if cell_magic is not None:
        if cell_magic.split()[0] not in TRANSPARENT_CELL_MAGICS or cell_magic.split()[1:]:
            return PlainCode("", refused=((head + 1, f"%%{cell_magic}"),))
        inner = plain_python(body)
        shift = head + 1
        return PlainCode(
            "\n" * shift + inner.code,
            (f"%%{cell_magic}", *inner.dropped),
            tuple((line + shift, text) for line, text in inner.refused),
        )
    return _line_magics(source)


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


def _line_magics(source: str) -> PlainCode:
    from IPython.core.inputtransformer2 import TransformerManager

    marked = sum(any(mark in line for mark in "%!?") for line in source.split("\n"))
    if marked * len(source) > MOST_TRANSFORMED:  # IPython goes through the whole cell once for each magic
        raise Untranslatable("too many magics and shell lines in so long a cell")
    try:
        transformed = TransformerManager().transform_cell(source)
    except RecursionError:
        raise
    except RuntimeError:  # it gives up after so many magics
        raise Untranslatable("too many magics and shell lines for IPython itself") from None
    if not _KERNEL_CALL.search(transformed) or not _parses(transformed):
        return PlainCode(source)
    lines = transformed.split("\n")
    originals = source.split("\n")
    dropped: list[str] = []
    refused: list[tuple[int, str]] = []
    for node in walk(parsed(transformed)):
        if not isinstance(node, ast.stmt) or isinstance(node, ast.FunctionDef | ast.ClassDef) or hasattr(node, "body"):
            continue
        call = _kernel_call(node)
        if call is None:
            continue
        shown = originals[node.lineno - 1].strip() if node.lineno <= len(originals) else ast.unparse(node)
        start, end = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        if not isinstance(node, ast.Expr) or start != end:
            refused.append((node.lineno, shown))
            continue
        try:
            replacement = _translate(call)
        except (Untranslatable, ValueError):
            refused.append((node.lineno, shown))
            continue
        if replacement is None:
            dropped.append(shown)
        text = lines[start].encode()
        lines[start] = (
            text[: node.col_offset] + (replacement or "pass").encode() + text[node.end_col_offset :]
        ).decode()
    return PlainCode("\n".join(lines).rstrip("\n"), tuple(dropped), tuple(refused))


def _kernel_call(statement: ast.stmt) -> ast.Call | None:
    for node in walk(statement):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("get_ipython()."):
            return node
    return None


def _translate(call: ast.Call) -> str | None:
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    words = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    if method == "run_line_magic" and len(words) == 2 and words[0] in LINE_MAGICS:
        translated = LINE_MAGICS[str(words[0])](str(words[1]))
        if translated is not None and not _parses(translated):
            raise Untranslatable(str(words[1]))
        return translated
    if method == "system" and len(words) == 1:
        _system(str(words[0]))
        return None
    raise Untranslatable(method)
