"""Where a run comes from: the commit of the package, and the versions of what it used."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import nb2pipe
from nb2pipe.runtime.package import Package

GIT_SECONDS = 5.0


def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """The commit of ``folder``'s repository and whether files in ``folder`` differ from it; ``None`` without git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None, None
    changed = _git(folder, "status", "--porcelain", "--untracked-files=normal", "--", ".")
    return commit.strip() or None, None if changed is None else bool(changed.strip())


def versions(package: Package) -> dict[str, str]:
    """Python, nb2pipe, the package's dependencies that are installed, and the machine."""
    found = {"python": platform.python_version(), "nb2pipe": nb2pipe.__version__}
    for name in _dependencies(package):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    found["platform"] = platform.platform()
    found["machine"] = f"{platform.machine()}, {os.cpu_count()} CPUs"
    return found


def _dependencies(package: Package) -> list[str]:
    """Names of distributions: those of the checkout's ``pyproject.toml``, else of the installed package."""
    declared: list[str] = []
    try:
        project = tomllib.loads((package.folder / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
        declared = [str(requirement) for requirement in project.get("dependencies", ())]
    except (OSError, ValueError, AttributeError, TypeError):
        try:
            declared = metadata.requires(package.name) or []
        except (metadata.PackageNotFoundError, ValueError):
            declared = []
    names = [match.group() for text in declared if (match := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", text.strip()))]
    if not names:
        names = [name for name in ("numpy", "pandas", "scikit-learn", "torch") if _loaded(name)]
    return [name for name in dict.fromkeys(names) if name != "nb2pipe"]


def _loaded(distribution: str) -> bool:
    return {"scikit-learn": "sklearn"}.get(distribution, distribution) in sys.modules


def _git(folder: Path, *arguments: str) -> str | None:
    git = shutil.which("git", path=os.environ.get("PATH") or os.defpath)
    if git is None:
        return None
    try:
        done = subprocess.run(
            [git, "--no-optional-locks", *arguments],
            cwd=folder,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
