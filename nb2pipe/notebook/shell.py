"""Shell lines as Python: what a kernel puts into the command, and how it runs it."""

from __future__ import annotations

import ast
import builtins
import re
import shlex
from collections.abc import Collection

#: Commands that only show something, or install what ``pyproject.toml`` declares.
INSTALLERS = frozenset({"pip", "pip3", "conda", "mamba", "uv"})
INSTALLING = frozenset("install uninstall update upgrade remove list show check freeze info --version -V add".split())
SHOWING = frozenset("ls pwd nvidia-smi whoami date uname head tail wc cat du".split())
SHELL_SIGNS = frozenset("><|;&`$\n")
#: Names that a kernel puts into its namespace; a command that uses one has a value that no stage has.
KERNEL_NAME = re.compile(r"(_+|_i+|_i?\d+|_[iod]h|In|Out|exit|quit|get_ipython|display|_exit_code|__\w+__)$")


class Uncertain(ValueError):
    """A command of which only the running kernel can tell what IPython would put into it."""


def is_idle(command: str) -> bool:
    """Whether a command has no effect on results: it installs packages, or shows something."""
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    if not words:
        return True
    if words[0].startswith("python") and words[1:3] == ["-m", "pip"]:
        words = words[2:]
    if words[0] in INSTALLERS or words[0].endswith(("/pip", "/pip3")):
        return _only_installs(command, words)
    return words[0] in SHOWING and not set(command) & (SHELL_SIGNS | {"{"})


def _only_installs(command: str, words: list[str]) -> bool:
    """Whether it is one command, whose output goes nowhere; ``"pandas>2"`` in quotes is no redirection."""
    signs = shlex.shlex(command, punctuation_chars="();<>|&", posix=True)
    signs.whitespace_split = True
    alone = not any(set(word) <= set("();<>|&") for word in signs) and not set(command) & set("`\n")
    action = next((word for word in words[1:] if word != "pip" and (word in INSTALLING or word[0] != "-")), "list")
    return alone and action in INSTALLING


def run(command: str, names: Collection[str]) -> str:
    """``!command``: it runs in the user's own shell, what it prints is printed, and its failing is no error."""
    return f"subprocess.run({_foreground(command, names)}, shell=True, executable=os.environ.get('SHELL'))"


def _foreground(command: str, names: Collection[str]) -> str:
    if command.rstrip().endswith("&"):
        raise Uncertain("IPython runs no command in the background")
    return expanded(command, names)


def lines_of(command: str, names: Collection[str]) -> str:
    """``x = !command``: what it prints, errors included, as a list of lines. It runs in the user's own shell."""
    options = "shell=True, executable=os.environ.get('SHELL'), stdout=subprocess.PIPE, stderr=subprocess.STDOUT"
    options += ", text=True, errors='replace'"
    return f"subprocess.run({_foreground(command, names)}, {options}).stdout.splitlines()"


def expanded(command: str, names: Collection[str]) -> str:
    """The command as a string literal, or as an f-string where IPython would put in values of ``names``.

    IPython tries all of a command's ``$name`` and ``{expression}``; when one of them fails it runs the command as it
    stands (https://ipython.readthedocs.io, ``InteractiveShell.var_expand``).

    Raises:
        Uncertain: it uses what only a kernel has, or a name that ``from module import *`` may have bound.
        ValueError: an expression that cannot be written within an f-string.
    """
    from IPython.utils.text import DollarFormatter

    try:
        pieces = list(DollarFormatter().parse(command))
        values: list[ast.expr] = []
        for text, field, spec, conversion in pieces:
            if text:
                values.append(ast.Constant(text))
            if field is not None:
                code = f"{field}:{spec}" if spec else field  # a colon is a slice's to IPython, never a format's
                values.append(_field(code, conversion, names))
    except Uncertain:
        raise
    except (ValueError, SyntaxError, KeyError):
        return repr(command)
    if all(isinstance(value, ast.Constant) for value in values):
        return repr("".join(str(value.value) for value in values if isinstance(value, ast.Constant)))
    return ast.unparse(ast.fix_missing_locations(ast.Expression(ast.JoinedStr(values))))


def _field(field: str, conversion: str | None, names: Collection[str]) -> ast.FormattedValue:
    value = ast.parse(field.strip(), mode="eval").body
    free = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    bound = {node.id for node in ast.walk(value) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    unknown = free - bound - set(names) - set(dir(builtins))
    if any(KERNEL_NAME.match(name) for name in free - bound - set(names)) or (unknown and "*" in names):
        raise Uncertain(field)
    if unknown:
        raise KeyError(field)
    return ast.FormattedValue(value, ord(conversion) if conversion else -1, None)


_OPTION = re.compile(r"--(out|err)[ =]([A-Za-z_]\w*)\s*")


def script(program: str, arguments: str, body: str) -> str | None:
    """``%%bash``: ``body``, a string literal, is fed to a shell; ``--out NAME`` keeps what it prints to the letter.

    ``None`` for other options.
    """
    kept = dict(_OPTION.findall(arguments))
    if _OPTION.sub("", arguments).strip() or len(kept) > 1:
        return None
    if not kept:
        return f"subprocess.run([{program!r}], text=True, check=True, input={body})"
    ((stream, name),) = kept.items()
    call = f"subprocess.run([{program!r}], check=True, input={body}.encode(), std{stream}=subprocess.PIPE)"
    return f"{name} = {call}.std{stream}.decode(errors='replace')"


def multi_line(body: str) -> str:
    """A string literal over as many lines as the body has, starting on the line above it."""
    safe = body.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""\\\n{safe}"""'
