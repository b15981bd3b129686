"""Versions of the libraries that a stage's code uses, and of those that they use in turn, without importing any."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata

_OTHERWISE_CALLED = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def versions_of(modules: Iterable[str]) -> dict[str, str]:
    """Distribution -> version, for top-level ``modules`` and what their distributions require; ``none`` without one."""
    wanted = [module for module in modules if module not in sys.stdlib_module_names]
    found = {module: "none" for module in wanted if not _distributions(module)}
    open_ = [name for module in wanted for name in _distributions(module)]
    while open_:
        name = _normalised(open_.pop())
        if name not in found and (known := _distribution(name)) is not None:
            found[name], requirements = known
            open_.extend(requirements)
    return dict(sorted(found.items()))


@cache
def _distribution(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Version and the names of what it requires, extras left out."""
    try:
        distribution = metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):
        return None
    wanted = [text for text in distribution.requires or () if "extra ==" not in text]
    names = [match.group() for text in wanted if (match := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", text.strip()))]
    return distribution.version, tuple(names)


@cache
def _distributions(module: str) -> tuple[str, ...]:
    """The distributions that a top-level module comes from."""
    guess = _OTHERWISE_CALLED.get(module, module)
    if _distribution(_normalised(guess)) is not None:
        return (guess,)
    return tuple(metadata.packages_distributions().get(module, ()))


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
