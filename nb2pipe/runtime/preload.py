"""Imported once by the fork server: it imports the package, so that no stage has to."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys

from nb2pipe.runtime.processes import SERVER


def prepare() -> None:
    """Take the starter's ``sys.path``, import what it asked for, and leave its environment as it was."""
    text = os.environ.pop(SERVER, None)
    if text is None:
        return
    settings = json.loads(text)
    if settings["pythonpath"] is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = settings["pythonpath"]
    sys.path[:] = settings["sys_path"]
    for module in settings["modules"]:
        with contextlib.suppress(Exception):  # the stage's own process imports it again and says what is wrong
            importlib.import_module(module)


prepare()
