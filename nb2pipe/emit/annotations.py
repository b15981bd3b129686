"""Types as annotations, with the imports that they need."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from nb2pipe.pipeline.model import Import

PLAIN = frozenset("int float str bool bytes complex list dict tuple set frozenset range None Any".split())
ALIASES = {"pandas": "pd", "numpy": "np", "torch": "torch"}
THROUGH_MODULE = re.compile(
    r"(pandas\.(DataFrame|Series|Timestamp|Timedelta|Index|DatetimeIndex)|numpy\.ndarray|torch\.(Tensor|device))$"
)
FROM_MODULE = re.compile(
    r"(pathlib\.Path|numpy\.random\.(Generator|RandomState)|datetime\.(date|datetime|timedelta)|"
    r"collections\.(Counter|OrderedDict|defaultdict|deque)|matplotlib\.figure\.Figure|mlflow\.models\.ModelSignature|"
    r"(sklearn|torch\.nn|torch\.optim|torch\.utils\.data|xgboost|lightgbm|catboost)\.(?:[a-z]\w*\.)*[A-Z]\w*)$"
)
GENERIC = re.compile(r"(list|dict|tuple|set|frozenset)\[(.*)\]$")


@dataclass
class Annotator:
    """Writes annotations for one module and collects the imports that they need.

    Not its business: what the types are.
    """

    imports: list[Import]
    helpers: frozenset[str]
    taken: frozenset[str] = frozenset()
    added: list[Import] = field(default_factory=list)
    used_helpers: set[str] = field(default_factory=set)

    def write(self, type_: str | None) -> str:
        """The annotation for a type; ``Any`` when it is unknown, or is no type that can be named."""
        text = self._named(type_) if type_ else None
        if text is None or text == "Any":
            self.need(Import("typing", "Any", "Any"))
            return "Any"
        return text

    def need(self, entry: Import) -> None:
        """Makes sure that the module has this import."""
        if entry not in self.imports and entry not in self.added:
            self.added.append(entry)

    def _named(self, type_: str) -> str | None:
        if type_ in PLAIN:
            return type_
        if type_.startswith("notebook:"):
            name = type_.removeprefix("notebook:")
            if name in self.helpers:
                self.used_helpers.add(name)
                return name
            return None
        generic = GENERIC.match(type_)
        if generic:
            return self._generic(generic[1], generic[2])
        if type_ == "Path":
            type_ = "pathlib.Path"
        module, _, attribute = type_.rpartition(".")
        if THROUGH_MODULE.match(type_):
            return f"{self._module(module)}.{attribute}"
        if FROM_MODULE.match(type_):
            return self._attribute(module, attribute)
        return None

    def _generic(self, word: str, inner: str) -> str:
        parts = [part.strip() for part in _split(inner)]
        if word == "tuple" and len(parts) == 1:
            parts.append("...")
        written = ["..." if part == "..." else self.write(part) for part in parts]
        if word == "dict" and len(written) == 1:
            written.append(self.write(None))
        return f"{word}[{', '.join(written)}]"

    def _module(self, module: str) -> str:
        for entry in self.imports:
            if entry.module == module and entry.attribute is None:
                return entry.name
        alias = ALIASES[module]
        self.need(Import(module, None, alias))
        return alias

    def _attribute(self, module: str, attribute: str) -> str | None:
        for entry in self.imports:
            if entry.attribute == attribute and (entry.module == module or module.startswith(entry.module)):
                return entry.name
        if attribute in self.taken or any(e.name == attribute for e in [*self.imports, *self.added]):
            return attribute if Import(module, attribute, attribute) in self.added else None
        self.need(Import(module, attribute, attribute))
        return attribute


def _split(inner: str) -> Iterable[str]:
    """``str, list[int]`` → its parts, brackets kept together."""
    depth, part = 0, ""
    for character in inner:
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == "," and depth == 0:
            yield part
            part = ""
        else:
            part += character
    yield part


def import_block(entries: Iterable[Import]) -> str:
    """Import statements, one per line; sorting them is the formatter's work."""
    return "".join(f"{line}\n" for line in sorted({entry.statement() for entry in entries}))
