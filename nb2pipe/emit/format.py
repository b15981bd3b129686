"""Formatting by ruff, so that a generated package reads as hand-written code and passes its own rules.

ruff sees the package's own ``pyproject.toml`` and nothing else: no config of the user's, no cache, no environment
variable, no ``.gitignore``. So the same files give the same bytes on every machine that has the same ruff.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PYPROJECT = "pyproject.toml"


class FormatError(Exception):
    """ruff could not be run, or refused what was emitted: a fault of nb2pipe, with what ruff said."""


def format_package(files: Mapping[str, str]) -> dict[str, str]:
    """The files formatted, imports sorted; rules that the notebook's own code breaks are named in ``pyproject.toml``.

    What comes out passes ``ruff check`` and ``ruff format --check``, and is not changed by formatting it again.
    """
    formatted = _formatted(files)
    broken = violations(formatted)
    if broken:
        formatted[PYPROJECT] += _ignores(broken)
    return formatted


def violations(files: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Path → codes of the rules of ``pyproject.toml`` that a file breaks, both in alphabetical order."""
    with _laid_out(files) as root:
        output = _ruff(root, "check", "--exit-zero", "--output-format", "json", *_modules(files))
    found: dict[str, set[str]] = {}
    for entry in json.loads(output or "[]"):
        path = Path(entry["filename"]).relative_to(root).as_posix()
        if not entry["code"] or entry["code"] == "invalid-syntax":
            raise FormatError(f"the generated package is not valid Python: {path}: {entry['message']}")
        found.setdefault(path, set()).add(entry["code"])
    return {path: tuple(sorted(codes)) for path, codes in sorted(found.items())}


def _formatted(files: Mapping[str, str]) -> dict[str, str]:
    with _laid_out(files) as root:
        _ruff(root, "check", "--select", "I,F401", "--fix", "--quiet", "--exit-zero", *_modules(files))
        _ruff(root, "format", *_modules(files))
        return {path: (root / path).read_bytes().decode() for path in files}


@contextmanager
def _laid_out(files: Mapping[str, str]) -> Iterator[Path]:
    """A folder that holds the files for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="nb2pipe-format-") as folder:
        root = Path(folder).resolve()
        for path, text in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())
        yield root


def _modules(files: Mapping[str, str]) -> list[str]:
    """Named one by one, since ruff passes over folders with names such as ``dist`` and ``venv``."""
    return ["--", *sorted(path for path in files if path.endswith(".py"))]


def _ruff(root: Path, command: str, *arguments: str) -> str:
    from ruff import find_ruff_bin

    apart = ("--no-cache", "--config", PYPROJECT)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUFF_")}
    done = subprocess.run(
        [find_ruff_bin(), command, *apart, *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        raise FormatError(f"ruff {command} failed on the generated package: {done.stderr.strip()[:2000]}")
    return done.stdout


def _ignores(broken: Mapping[str, tuple[str, ...]]) -> str:
    rows = "".join(f"{json.dumps(path)} = {json.dumps(codes)}\n" for path, codes in broken.items())
    why = "# Rules that the notebook's own code breaks; mend the code and take the line out."
    return f"\n{why}\n[tool.ruff.lint.per-file-ignores]\n{rows}"
