"""Where a module's code lies, found without importing it, and whether that code is the user's own."""

from __future__ import annotations

import importlib.machinery
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path

#: Folders that installers fill; what lies below is known by its version.
INSTALLED = frozenset({"site-packages", "dist-packages"})


class Origin(Enum):
    """Whose code a module is."""

    LOCAL = "local"
    LIBRARY = "library"
    STANDARD = "standard"
    MISSING = "missing"


@dataclass(frozen=True)
class Found:
    """A module that was looked for.

    Attributes:
        origin: whose it is.
        file: its source or binary; ``None`` for a folder without ``__init__.py``, and for what is not local.
        folders: where its submodules lie; empty when it is not a package.
    """

    origin: Origin
    file: Path | None = None
    folders: tuple[str, ...] = ()


@dataclass
class Finder:
    """Finds modules as an import would, each one once.

    Attributes:
        own: the folder of the generated package, whose code is local even where it is installed.
        search: folders that stages can import from besides ``sys.path``.
    """

    own: Path
    search: tuple[Path, ...] = ()
    _known: dict[str, Found] = field(default_factory=dict)

    def find(self, name: str) -> Found:
        """The module called ``name``."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def submodules(self, name: str) -> tuple[str, ...]:
        """Names of all modules below a local package, whether they are imported or not."""
        names = set()
        for folder in self.find(name).folders:
            for file in Path(folder).rglob("*.py"):
                parts = file.relative_to(folder).with_suffix("").parts
                if parts[-1] == "__init__":
                    parts = parts[:-1]
                if parts and all(part.isidentifier() for part in parts) and parts[-1] != "__main__":
                    names.add(".".join((name, *parts)))
        return tuple(sorted(names))

    def _find(self, name: str) -> Found:
        parent, _, _ = name.rpartition(".")
        path: Sequence[str] | None = None
        if parent:
            above = self.find(parent)
            if above.origin in (Origin.LIBRARY, Origin.STANDARD):
                return Found(above.origin)
            if not above.folders:
                return Found(Origin.MISSING)
            path = above.folders
        elif name == "nb2pipe":
            return Found(Origin.LIBRARY)
        return self._loaded(name) or self._on_disk(name, path)

    def _loaded(self, name: str) -> Found | None:
        module = sys.modules.get(name)
        spec = getattr(module, "__spec__", None)
        if module is None or spec is None:
            return None
        file = getattr(module, "__file__", None) or (spec.origin if spec.has_location else None)
        return self._judged(file, spec, getattr(module, "__path__", None))

    def _on_disk(self, name: str, path: Sequence[str] | None) -> Found:
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            try:
                spec = None if find is None else find(name, path)
            except Exception:  # a finder of somebody else's that cannot do it
                continue
            if spec is not None:
                return self._judged(spec.origin if spec.has_location else None, spec, spec.submodule_search_locations)
        if path is None and self.search:
            spec = importlib.machinery.PathFinder.find_spec(name, [str(folder) for folder in self.search])
            if spec is not None:
                return self._judged(spec.origin if spec.has_location else None, spec, spec.submodule_search_locations)
        return Found(Origin.MISSING)

    def _judged(self, file: str | None, spec: importlib.machinery.ModuleSpec, locations: Iterable[str] | None) -> Found:
        folders = tuple(locations or ())
        if file is None:
            # a folder without __init__.py holds no code itself; its modules are judged one by one
            return Found(Origin.LOCAL, None, folders) if folders else Found(Origin.STANDARD)
        place = Path(file)
        if place.resolve().is_relative_to(self.own):
            return Found(Origin.LOCAL, place, folders)
        if not INSTALLED.isdisjoint(place.parts) or not INSTALLED.isdisjoint(place.resolve().parts):
            return Found(Origin.LIBRARY)
        if any(place.is_relative_to(folder) for folder in _standard_folders()):
            return Found(Origin.STANDARD)
        if not place.is_file() or _recorded(place, spec.name):  # in an archive, or installed with pip --target
            return Found(Origin.LIBRARY)
        return Found(Origin.LOCAL, place, folders)


@cache
def _standard_folders() -> frozenset[Path]:
    paths = sysconfig.get_paths()
    folders = {Path(paths[key]) for key in ("stdlib", "platstdlib")}
    return frozenset(folders | {folder.resolve() for folder in folders})


def _recorded(file: Path, name: str) -> bool:
    """Whether an installer wrote down that it put this file there."""
    root = file.parents[name.count(".") + (file.stem == "__init__")]
    relative = file.relative_to(root).as_posix()
    for record in root.glob("*.dist-info/RECORD"):
        try:
            text = record.read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        if any(line.startswith(f"{relative},") for line in text.splitlines()):
            return True
    return False
