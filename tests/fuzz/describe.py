"""What names hold at the end of a notebook, with which of them are one object: as JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write(names: dict[str, Any]) -> None:
    """Writes the description of ``names`` to the file that ``FUZZ_OUT`` names."""
    seen: dict[int, int] = {}
    described = {name: describe(value, seen) for name, value in sorted(names.items())}
    text = json.dumps({"values": described, "memory": _shared_memory(names)})
    Path(os.environ["FUZZ_OUT"]).write_text(text, encoding="utf-8")


def describe(value: Any, seen: dict[int, int]) -> Any:
    """Type and content; an object met before is named by its number, so that sharing shows."""
    import numpy as np
    import pandas as pd

    if value is None or isinstance(value, bool | int | float | str | np.generic):
        return [type(value).__name__, repr(value)]
    if id(value) in seen:
        return ["again", seen[id(value)]]
    seen[id(value)] = len(seen)
    kind = type(value).__name__
    if isinstance(value, list | tuple):
        return [kind, [describe(item, seen) for item in value]]
    if isinstance(value, set):
        return [kind, sorted(map(repr, value))]
    if isinstance(value, dict):
        return [kind, [[repr(key), describe(item, seen)] for key, item in value.items()]]
    if isinstance(value, np.ndarray):
        return [kind, str(value.dtype), value.tolist()]
    if isinstance(value, pd.DataFrame | pd.Series):
        return [kind, value.to_json(), str(value.index)]
    if isinstance(value, np.random.Generator):
        return [kind, repr(value.bit_generator.state)]
    if hasattr(value, "__next__"):
        return [kind, repr(list(value))]
    if callable(value):
        return [kind, value.__name__]
    return [kind, describe(vars(value), seen)]


def _shared_memory(names: dict[str, Any]) -> list[list[str]]:
    import numpy as np

    arrays = {name: value for name, value in sorted(names.items()) if isinstance(value, np.ndarray)}
    return [
        [one, other]
        for one in arrays
        for other in arrays
        if one < other and np.shares_memory(arrays[one], arrays[other])
    ]
