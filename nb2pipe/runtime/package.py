"""A generated package on disk: where its parts lie, and how its definition is loaded."""

from __future__ import annotations

import importlib
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from nb2pipe.runtime.definition import Pipeline
from nb2pipe.runtime.errors import RunError

LOCK = "notebook.lock"

_loaded: dict[str, str] = {}  # what load_package() loaded: import name -> its entry in sys.path


@dataclass(frozen=True)
class Package:
    """Where a package lies.

    Attributes:
        name: its import name.
        module_folder: the import package.
        folder: what the paths of messages, and ``data.root``, are relative to: the folder that holds ``config/``.
        config: the folder of ``base.yaml``.
        lock: ``notebook.lock``, which may be missing.
    """

    name: str
    module_folder: Path
    folder: Path
    config: Path
    lock: Path


def package_of(pipeline: Pipeline) -> Package:
    """The package that defines ``pipeline``: a checkout (config beside the import package) or an installed one."""
    if not pipeline.stages:
        raise RunError(f"pipeline {pipeline.name} has no stages")
    name = pipeline.stages[0].module.partition(".")[0]
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if file is None:
        raise RunError(f"pipeline {pipeline.name}: its package {name} has no __init__.py, so it cannot be found")
    return package_in(name, Path(file).resolve().parent)


def package_in(name: str, module_folder: Path) -> Package:
    """The package whose import package is ``module_folder``."""
    inside, beside = module_folder / "config", module_folder.parent / "config"
    installed = (inside / "base.yaml").is_file() and not (beside / "base.yaml").is_file()
    folder = module_folder if installed else module_folder.parent
    return Package(name, module_folder, folder, inside if installed else beside, folder / LOCK)


def load_package(path: Path) -> Pipeline:
    """The definition of the package in folder ``path``: ``generated/<name>`` or the import package in it.

    Its parent folder goes to the front of ``sys.path``, for the stages' processes as well.
    """
    return import_package(find_package(path))


def find_package(path: Path) -> Path:
    """The import package in folder ``path``, not imported yet, but found by ``import`` from now on."""
    module_folder = _module_folder(path)
    name, parent = module_folder.name, str(module_folder.parent)
    _forget(name)
    if name in sys.modules:
        raise RunError(f"{path}: there is another module called {name} ({sys.modules[name]}); rename the package")
    sys.path.insert(0, parent)
    _loaded[name] = parent
    importlib.invalidate_caches()
    return module_folder


def import_package(module_folder: Path) -> Pipeline:
    """Import the definition of the package in ``module_folder``, whose parent lies on ``sys.path``."""
    name = module_folder.name
    try:
        module = importlib.import_module(f"{name}.pipeline")
    except Exception as error:
        raise RunError(_import_failed(name, module_folder, error)) from error
    pipeline = getattr(module, "PIPELINE", None)
    if not isinstance(pipeline, Pipeline):
        raise RunError(f"{module_folder / 'pipeline.py'} defines no PIPELINE: convert the notebook again")
    return pipeline


def _forget(name: str) -> None:
    """Unload a package that was loaded here before: it may have been generated again, or lie elsewhere now."""
    parent = _loaded.pop(name, None)
    if parent is not None:
        for module in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
            del sys.modules[module]
        if parent in sys.path:
            sys.path.remove(parent)


def _module_folder(path: Path) -> Path:
    folder = path.resolve()
    if not folder.exists():
        raise RunError(f"{path} does not exist: name a generated package, for example generated/flight_delays")
    if not folder.is_dir():
        raise RunError(f"{path} is a file: name the folder of a generated package (a notebook is converted first)")
    inner = folder / folder.name
    if (inner / "pipeline.py").is_file():
        return inner
    if (folder / "pipeline.py").is_file():
        return folder
    others = sorted(found.parent for found in folder.glob("*/pipeline.py"))
    if len(others) == 1:
        return others[0]
    raise RunError(f"{path} holds no pipeline.py (looked for {inner / 'pipeline.py'}): convert the notebook first")


def _import_failed(name: str, module_folder: Path, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] != name:
        missing = error.name.partition(".")[0]
        return (
            f"{name} cannot be imported: there is no module {missing!r} here; "
            f"install the package's dependencies: pip install -e {module_folder.parent}"
        )
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(module_folder)
    ]
    place = f"{frames[-1].filename}:{frames[-1].lineno}: " if frames else ""
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{error.filename}:{error.lineno}: "
    return f"{place}{name} cannot be imported: {type(error).__name__}: {error}"
