"""Shell lines as Python: what a kernel puts into the command, and how it runs it."""

from __future__ import annotations

import ast
import builtins
import re
import shlex
from collections.abc import Collection

#: Commands that only show something, or install what ``pyproject.toml`` declares.
INSTALLERS = frozenset({"pip", "pip3", "conda", "mamba", "uv"})
SHOWING = frozenset("ls pwd nvidia-smi whoami date uname head tail wc cat du".split())
SHELL_SIGNS = frozenset("><|;&`$")


def is_idle(command: str) -> bool:
    """Whether a command has no effect on results: it installs packages, or shows something."""
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    if not words:
        return True
    if words[0] in INSTALLERS or words[0].endswith(("/pip", "/pip3")):
        return True
    if words[0].startswith("python") and words[1:3] == ["-m", "pip"]:
        return True
    return words[0] in SHOWING and not set(command) & (SHELL_SIGNS | {"{"})


def run(command: str, names: Collection[str]) -> str:
    """``!command``: it runs, what it prints is printed, and its failing is no error."""
    return f"subprocess.run({expanded(command, names)}, shell=True)"


def lines_of(command: str, names: Collection[str]) -> str:
    """``x = !command``: what it prints, errors included, as a list of lines. It runs in the user's own shell."""
    options = "shell=True, executable=os.environ.get('SHELL'), stdout=subprocess.PIPE, stderr=subprocess.STDOUT"
    return f"subprocess.run({expanded(command, names)}, {options}, text=True).stdout.splitlines()"


def expanded(command: str, names: Collection[str]) -> str:
    """The command as a string literal, or as an f-string where IPython would put in values of ``names``.

    IPython tries all of a command's ``$name`` and ``{expression}``; when one of them fails it runs the command as it
    stands (https://ipython.readthedocs.io, ``InteractiveShell.var_expand``).

    Raises:
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
    except (ValueError, SyntaxError, KeyError):
        return repr(command)
    if all(isinstance(value, ast.Constant) for value in values):
        return repr("".join(str(value.value) for value in values if isinstance(value, ast.Constant)))
    return ast.unparse(ast.fix_missing_locations(ast.Expression(ast.JoinedStr(values))))


def _field(field: str, conversion: str | None, names: Collection[str]) -> ast.FormattedValue:
    value = ast.parse(field.strip(), mode="eval").body
    free = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    bound = {node.id for node in ast.walk(value) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    if not free - bound <= set(names) | set(dir(builtins)):
        raise KeyError(field)
    return ast.FormattedValue(value, ord(conversion) if conversion else -1, None)


_OPTION = re.compile(r"--(out|err)[ =]([A-Za-z_]\w*)\s*")


def script(program: str, arguments: str, body: str) -> str | None:
    """``%%bash``: the body is fed to a shell; ``--out NAME`` keeps what it prints. ``None`` for other options."""
    kept = dict(_OPTION.findall(arguments))
    if _OPTION.sub("", arguments).strip():
        return None
    options = ["text=True", "check=True", f"input={multi_line(body)}"]
    call = f"subprocess.run([{program!r}], {', '.join(options)})"
    if not kept:
        return call
    pipes = "".join(f", std{stream}=subprocess.PIPE" for stream in sorted(kept, reverse=True))
    call = call[:-1] + pipes + ")"
    if len(kept) == 2:
        return None
    ((stream, name),) = kept.items()
    return f"{name} = {call}.std{stream}"


def multi_line(body: str) -> str:
    """A string literal over as many lines as the body has, starting on the line above it."""
    safe = body.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""\\\n{safe}"""'
