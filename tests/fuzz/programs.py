"""Random notebooks: small programs over what notebooks hold, cut into random stages.

A program is a list of statements, each in a cell, each cell in a stage. Statements are drawn from templates that know
what they need and what they bind, so that most programs run; a wrong one is thrown away by whoever runs it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

STAGES = ("load_data", "validate_data", "transform", "train", "evaluate", "extra_one", "extra_two")


@dataclass(frozen=True)
class Line:
    """A statement and its cell; cells with the same stage in a row are one visit of it."""

    text: str
    cell: int


@dataclass(frozen=True)
class Program:
    """Statements in order, and the stage tag of each cell (``None``: it continues the one above)."""

    lines: tuple[Line, ...]
    tags: tuple[str | None, ...]
    names: tuple[str, ...]

    def without(self, position: int) -> Program:
        """The program with one statement less."""
        return replace(self, lines=self.lines[:position] + self.lines[position + 1 :])

    def cells(self) -> list[tuple[str | None, str]]:
        """Tag and source of every cell that is not empty, the last one writing what is left."""
        found = []
        for number, tag in enumerate(self.tags):
            source = "\n".join(line.text for line in self.lines if line.cell == number)
            if source or tag is not None:
                found.append((tag, source or "pass"))
        return [(None, SETUP), *found, ("stage:last_stage", last_cell(self._left()))]

    def _left(self) -> tuple[str, ...]:
        words = set(re.findall(r"\w+", "\n".join(line.text for line in self.lines)))
        return tuple(name for name in self.names if name in words)

    def percent(self) -> str:
        """The notebook as py:percent text."""
        parts = [f'# %% tags=["{tag}"]\n{source}' if tag else f"# %%\n{source}" for tag, source in self.cells()]
        return "\n\n".join(parts) + "\n"


SETUP = """\
import random
import numpy as np
import pandas as pd
from tests.fuzz.describe import write
random.seed(0)
np.random.seed(0)"""


def last_cell(names: tuple[str, ...]) -> str:
    """Code that writes what all names hold; one that is unbound is left out."""
    lines = ["left = {}"]
    lines += [f"if {name!r} in globals(): left[{name!r}] = {name}" for name in names]
    return "\n".join([*lines, "write(left)"])


Template = Callable[["Writer"], "str | None"]


class Writer:
    """Draws one program. ``kinds`` says what each name holds."""

    def __init__(self, seed: int, templates: Sequence[Template]) -> None:
        self.random = random.Random(seed)
        self.templates = templates
        self.kinds: dict[str, str] = {}
        self.functions: dict[str, str] = {}
        self.bound: dict[str, str] = {}  # by the statement that is being drawn
        self.maybe: set[str] = set()
        self.holders: set[str] = set()
        self.classes: set[str] = set()
        self.closures: set[str] = set()
        self.count = 0

    def program(self) -> Program:
        """A program of a few cells."""
        cells = self.random.randint(3, 8)
        lines: list[Line] = []
        tags: list[str | None] = []
        tagged = False
        for cell in range(cells):
            tag = self.tag(cell, tagged)
            tagged |= bool(tag)
            tags.append(tag)
            if tag == "skip":
                lines.append(Line(self.display(), cell))
                continue
            for _ in range(self.random.randint(1, 4)):
                lines.append(Line(self.statement(), cell))
        names = tuple(sorted({*self.kinds, *self.maybe}))
        return Program(tuple(lines), tuple(tags), names)

    def tag(self, cell: int, tagged: bool) -> str | None:
        if cell and self.random.random() < 0.06:
            return "skip"
        if self.random.random() < (0.3 if cell else 0.5) and (tagged or cell == 0):
            return None
        return f"stage:{self.random.choice(STAGES)}"

    def display(self) -> str:
        name = self.pick() or "1"
        return f"print({name})"

    # names

    def new(self, kind: str) -> str:
        if self.kinds and self.random.random() < 0.2:
            name = self.random.choice(sorted(self.kinds))
        else:
            name = f"{'abcdefgh'[self.count % 8]}{self.count // 8 or ''}"
            self.count += 1
        self.bound[name] = kind
        return name

    def pick(self, *kinds: str) -> str | None:
        found = sorted(name for name, kind in self.kinds.items() if not kinds or kind in kinds)
        return self.random.choice(found) if found else None

    def number(self) -> str:
        if self.random.random() < 0.3 and (name := self.pick("int")):
            return name
        return str(self.random.randint(0, 9))

    def statement(self) -> str:
        """One statement that the names so far allow."""
        for _ in range(50):
            self.bound = {}
            text = self.random.choice(self.templates)(self)
            if text is not None:
                self.kinds |= self.bound
                return text
        return "pass"
