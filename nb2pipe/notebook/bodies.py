"""Cell magics that use their body as text: scripts, and files that a cell writes."""

from __future__ import annotations

from nb2pipe.notebook import shell

SHELL_CELL_MAGICS = frozenset({"bash", "sh"})


def written_with(name: str, arguments: str, text: str) -> tuple[str | None, frozenset[str]]:
    """A cell magic that uses its body, given as a string literal; with the names of the modules that it writes."""
    if name in ("writefile", "file"):
        return _written_file(arguments.strip(), text)
    if name == "script" and arguments.split()[:1] and arguments.split()[0] in SHELL_CELL_MAGICS:
        name, _, arguments = arguments.strip().partition(" ")
    script = shell.script(name, arguments, text) if name in SHELL_CELL_MAGICS else None
    return script, frozenset()


def _written_file(arguments: str, text: str) -> tuple[str | None, frozenset[str]]:
    """``%%writefile [-a] FILE``."""
    append = arguments.startswith(("-a ", "--append "))
    path = arguments.partition(" ")[2].strip() if append else arguments
    path = path.strip("'\"")
    if not path or set(path) & set("~${*? "):
        return None, frozenset()
    module = path.rpartition("/")[2].removesuffix(".py")
    written = frozenset({path.partition("/")[0] if "/" in path else module} if path.endswith(".py") else ())
    if append:
        return f'print({text}, end="", file=open({path!r}, "a", encoding="utf-8"))', written
    return f'pathlib.Path({path!r}).write_text({text}, encoding="utf-8")', written
