"""What code each stage can reach, as digests: what a kept result depends on besides its inputs and parameters.

Digests are of normalised trees, so neither formatting nor comments count, and neither does code that a stage
cannot reach. Where code cannot be followed it counts as reaching everything: a needless run is cheaper than a
result that the code no longer gives.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from nb2pipe.runtime.definition import Pipeline, Signature, Stage
from nb2pipe.runtime.package import Package
from nb2pipe.runtime.source_files import Finder
from nb2pipe.runtime.source_graph import Graph, Kind, Node
from nb2pipe.runtime.source_units import READS_DOCS, READS_ENVIRONMENT, READS_SOURCE, Unit

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_NAME = 300
_BESIDE = frozenset("__file__ __path__ resources get_data pkgutil".split())
_FOLDERS_ABOVE = 3


@dataclass(frozen=True)
class Code:
    """The code that a pipeline is made of.

    Attributes:
        stages: stage -> digest of all code that its function and its settings can reach.
        definitions: ``module:name`` of what local modules define -> digest of all code that it can reach;
            objects are pickled by reference to these.
        sources: absolute path of each source file that was read -> digest of its bytes.
        libraries: stage -> top-level names of the modules, neither local nor Python's own, that its code imports.
        variables: stage -> names of environment variables that its code may read.
        mentions: stage -> texts in its code that may name a file or a folder, or be a pattern for some.
    """

    stages: Mapping[str, str]
    definitions: Mapping[str, str]
    sources: Mapping[str, str]
    libraries: Mapping[str, tuple[str, ...]]
    variables: Mapping[str, tuple[str, ...]]
    mentions: Mapping[str, tuple[str, ...]]


def read_code(pipeline: Pipeline, package: Package, folders: Iterable[Path] = ()) -> Code:
    """Reads the user's modules that the pipeline can import; ``folders`` are searched besides ``sys.path``."""
    functions = [_function(stage) for stage in pipeline.stages]
    graph = Graph(
        Finder(package.module_folder.resolve(), tuple(folders)),
        package.name,
        frozenset(_home(function) for function in functions),
    )
    main = f"{package.name}.pipeline"
    every: list[Callable[..., Any]] = [
        *functions,
        *(setting for stage in pipeline.stages for setting in stage.settings),
    ]
    graph.discover(dict.fromkeys([main, *(_home(function)[0] for function in every)]))
    reached = {stage.name: _Reached.of(graph, main, stage) for stage in pipeline.stages}
    return Code(
        stages={name: one.digest() for name, one in reached.items()},
        definitions=Definitions(graph),
        sources=_sources(graph),
        libraries={name: one.libraries() for name, one in reached.items()},
        variables={name: one.variables() for name, one in reached.items()},
        mentions={name: one.mentions() for name, one in reached.items()},
    )


class Definitions(Mapping[str, str]):
    """``module:name`` -> digest, each computed when it is asked for: few of them are."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[str, str] = {}
        self._names = {
            f"{module}:{name}": Node(Kind.UNIT.value, module, number)
            for module, source in sorted(graph.sources.items())
            for number, unit in enumerate(source.units)
            if unit.kind != "import"
            for name in unit.names
        }

    def __getitem__(self, key: str) -> str:
        if key not in self._known:
            node = self._names[key]
            roots = self._graph.resolve(node.module, (key.partition(":")[2],))
            self._known[key] = _Reached(self._graph, self._graph.reach(roots)).digest()
        return self._known[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class _Reached:
    """What was reached, and what else tells it from other code."""

    graph: Graph
    nodes: frozenset[Node]
    also: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, graph: Graph, main: str, stage: Stage) -> _Reached:
        """What a stage reaches; importing the pipeline's modules comes first in every stage's process."""
        roots: set[Node] = set()
        also: list[str] = []
        functions: list[Callable[..., Any]] = [_function(stage), *stage.settings]
        for function in functions:
            nodes, digest = _roots(graph, main, function)
            roots |= nodes
            also.append(f"{':'.join(_home(function))} {digest}")
        order = graph.imported(main)
        roots |= {Node(Kind.EFFECTS.value, module) for module in order}
        return cls(graph, graph.reach(roots), (*also, " ".join(order)))

    def digest(self) -> str:
        words = {word for unit in self.units() for word in unit.words}
        docs = not words.isdisjoint(READS_DOCS)
        lines = []
        for node in self.nodes:
            if node.kind == Kind.UNIT.value:
                unit = self.graph.unit(node)
                lines.append(f"{node.module} {' '.join(unit.names)} {_sha(unit.text + unit.docs * docs)}")
            elif node.kind == Kind.EFFECTS.value:
                units = self.graph.sources[node.module].units
                ordered = " ".join(_sha(units[number].text) for number in self.graph.effects(node.module))
                lines.append(f"{node.module} effects {ordered}")
        if not words.isdisjoint(READS_SOURCE):
            modules = {node.module for node in self.nodes if node.module}
            lines += [f"{module} source {self.graph.sources[module].digest}" for module in modules]
        return _sha("\n".join((*self.also, *sorted(lines))))

    def units(self) -> list[Unit]:
        return [self.graph.unit(node) for node in self.nodes if node.kind == Kind.UNIT.value]

    def libraries(self) -> tuple[str, ...]:
        by_module: dict[str, list[Unit]] = {}
        for node in self.nodes:
            if node.kind == Kind.UNIT.value:
                by_module.setdefault(node.module, []).append(self.graph.unit(node))
        return tuple(sorted({name for m, units in by_module.items() for name in self.graph.libraries(m, units)}))

    def variables(self) -> tuple[str, ...]:
        units = self.units()
        if all(unit.words.isdisjoint(READS_ENVIRONMENT) for unit in units):
            return ()
        texts = {text for unit in units for text in unit.constants}
        return tuple(sorted(text for text in texts if _VARIABLE.fullmatch(text)))

    def mentions(self) -> tuple[str, ...]:
        units = self.units()
        texts = {
            text
            for unit in units
            for text in unit.constants
            if text.strip() and len(text) < _LONGEST_NAME and "\n" not in text and "\0" not in text
        } - {"*"}
        if any("load_dotenv" in unit.words or "dotenv_values" in unit.words for unit in units):
            texts.add(".env")
        return tuple(sorted(texts | set(self._beside(texts))))

    def _beside(self, texts: Iterable[str]) -> Iterator[str]:
        """Files that lie beside code that asks where it lies."""
        folders: set[Path] = set()
        for node in self.nodes:
            if node.kind == Kind.UNIT.value and not self.graph.unit(node).words.isdisjoint(_BESIDE):
                file = self.graph.finder.find(node.module).file
                if file is not None:
                    folders.update(list(file.resolve().parents)[:_FOLDERS_ABOVE])
        for folder in folders:
            for text in texts:
                path = folder / text.lstrip("/")
                if "*" in text or (text.strip("./") and _exists(path)):
                    yield str(path)


def _roots(graph: Graph, main: str, function: Callable[..., Any]) -> tuple[set[Node], str]:
    """Where a function starts; a digest where its source does not tell all of it."""
    module, qualified = _home(function)
    nodes = graph.resolve(module, (qualified.partition(".")[0],)) if graph.source(module) is not None else set()
    if nodes and isinstance(function, FunctionType) and "<locals>" not in qualified:
        return nodes, ""
    # made by a call: the names that it has where the definition is written tell how
    for known, value in vars(sys.modules.get(main) or object).items():
        if value is function:
            nodes |= graph.resolve(main, (known,))
    inner = inspect.unwrap(function)
    if inner is not function:
        nodes |= _roots(graph, main, inner)[0]
    if isinstance(inner, FunctionType) and inner.__globals__.get("__name__") in graph.sources:
        for word in sorted(_words(inner.__code__)):
            nodes |= graph.resolve(str(inner.__globals__["__name__"]), (word,))
    return nodes, _sha(repr(_compiled(inner)))


def _function(stage: Stage) -> Callable[..., Any]:
    """A stage's function, in a process that has imported it."""
    if isinstance(stage.function, Signature):
        raise TypeError(f"stage {stage.name} has no code here")
    return stage.function


def _home(function: Callable[..., Any]) -> tuple[str, str]:
    """The module and the name of a function; those of its class for another object that can be called."""
    named = function if hasattr(function, "__qualname__") else type(function)
    return getattr(named, "__module__", None) or "builtins", named.__qualname__


def _words(code: CodeType) -> set[str]:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*(_words(one) for one in inner))


def _compiled(value: Any, depth: int = 0) -> Any:
    """A function, or what it holds, as plain data that says the same in every process."""
    if depth > 20:
        return "..."
    match value:
        case CodeType():
            constants = [_compiled(constant, depth + 1) for constant in value.co_consts]
            return value.co_name, value.co_code, constants, value.co_names, value.co_varnames
        case FunctionType():
            cells = [_cell(cell, depth + 1) for cell in value.__closure__ or ()]
            defaults = (value.__defaults__, value.__kwdefaults__)
            return _compiled(value.__code__, depth + 1), cells, _compiled(defaults, depth + 1)
        case str() | bytes() | int() | float() | complex() | None:
            return repr(value)
        case tuple() | list():
            return [type(value).__name__, *(_compiled(part, depth + 1) for part in value)]
        case set() | frozenset():
            return sorted(repr(_compiled(part, depth + 1)) for part in value)
        case dict():
            return [(_compiled(key, depth + 1), _compiled(part, depth + 1)) for key, part in value.items()]
        case _:
            return f"{type(value).__module__}.{type(value).__qualname__}"


def _cell(cell: Any, depth: int) -> Any:
    try:
        return _compiled(cell.cell_contents, depth)
    except ValueError:  # it holds nothing yet
        return "empty"


def _sources(graph: Graph) -> dict[str, str]:
    files = ((graph.finder.find(module).file, source) for module, source in sorted(graph.sources.items()))
    return {str(file.absolute()): source.digest for file, source in files if file is not None}


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
