"""Formatting by ruff, so that a generated package reads as hand-written code and passes its own rules."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

PYPROJECT = "pyproject.toml"


class FormatError(Exception):
    """ruff could not be run, or refused what was emitted: a fault of nb2pipe, with what ruff said."""


def format_package(files: Mapping[str, str]) -> dict[str, str]:
    """The files formatted, imports sorted; ``pyproject.toml`` names the rules that the notebook's own code breaks."""
    with tempfile.TemporaryDirectory(prefix="nb2pipe-format-") as folder:
        root = Path(folder)
        for path, text in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        _ruff(root, "check", "--select", "I,F401", "--fix", "--quiet", "--exit-zero", ".")
        _ruff(root, "format", "--quiet", ".")
        formatted = {path: (root / path).read_text(encoding="utf-8") for path in files}
        broken = _violations(_ruff(root, "check", "--exit-zero", "--output-format", "json", "."), root)
    if broken and PYPROJECT in formatted:
        formatted[PYPROJECT] += _ignores(broken)
    return formatted


def _ruff(root: Path, *arguments: str) -> str:
    from ruff import find_ruff_bin

    command = [find_ruff_bin(), *arguments[:1], "--no-cache", "--config", PYPROJECT, *arguments[1:]]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FormatError(f"ruff {arguments[0]} failed on the generated package: {done.stderr.strip()[:2000]}")
    return done.stdout


def _violations(output: str, root: Path) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for entry in json.loads(output or "[]"):
        if not entry["code"] or entry["code"] == "invalid-syntax":
            raise FormatError(f"the generated package is not valid Python: {entry['filename']}: {entry['message']}")
        path = Path(entry["filename"]).resolve().relative_to(root.resolve()).as_posix()
        found.setdefault(path, set()).add(entry["code"])
    return {path: sorted(codes) for path, codes in sorted(found.items())}


def _ignores(broken: Mapping[str, list[str]]) -> str:
    rows = "".join(f"{json.dumps(path)} = {json.dumps(codes)}\n" for path, codes in broken.items())
    why = "# Rules that the notebook's own code breaks; mend the code and take the line out."
    return f"\n{why}\n[tool.ruff.lint.per-file-ignores]\n{rows}"
