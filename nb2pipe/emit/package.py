"""The whole package as text: every file, formatted, with the line maps of those that hold notebook code."""

from __future__ import annotations

from collections.abc import Mapping

from nb2pipe.emit.config import config_files
from nb2pipe.emit.contracts import contracts_module
from nb2pipe.emit.definition import definition_module
from nb2pipe.emit.format import format_package
from nb2pipe.emit.helpers import helpers_module
from nb2pipe.emit.lines import line_maps
from nb2pipe.emit.lock import lock_text
from nb2pipe.emit.project import project_files
from nb2pipe.emit.source import quoted
from nb2pipe.emit.stages import stage_module
from nb2pipe.emit.unbound import unbound_module
from nb2pipe.pipeline import Pipeline

LOCK = "notebook.lock"


def package_files(pipeline: Pipeline, versions: Mapping[str, str]) -> dict[str, str]:
    """Path → text of the generated package; the same pipeline and versions give the same bytes.

    ``versions`` are those of the distributions that the package will depend on.
    """
    name = pipeline.name
    modules = {
        f"{name}/pipeline.py": definition_module(pipeline),
        f"{name}/contracts.py": contracts_module(pipeline),
        f"{name}/helpers.py": helpers_module(pipeline),
        **unbound_module(pipeline),
        f"{name}/stages/__init__.py": quoted("One module per stage.") + "\n",
        **{f"{name}/stages/{stage.name}.py": stage_module(stage, pipeline) for stage in pipeline.stages},
    }
    files = format_package({**project_files(pipeline, versions), **config_files(pipeline), **modules})
    files |= pipeline.modules
    return {**files, LOCK: lock_text(pipeline, files, line_maps(files, pipeline))}
