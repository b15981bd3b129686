"""What each top-level statement of the user's modules can reach, by the names that it mentions."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from nb2pipe.runtime.source_effects import KEEPS, dotted
from nb2pipe.runtime.source_files import Finder, Found, Origin
from nb2pipe.runtime.source_reader import Chain, Target
from nb2pipe.runtime.source_units import Source, Unit, read_source

#: Functions that bring back objects of classes and functions that they know by name.
UNPICKLERS = frozenset(
    "pickle.load pickle.loads pickle.Unpickler joblib.load dill.load dill.loads cloudpickle.load cloudpickle.loads "
    "pandas.read_pickle torch.load shelve.open".split()
)

_MODULE_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


class Kind(Enum):
    """What a node stands for."""

    UNIT = "unit"  # one statement
    EFFECTS = "effects"  # what importing a module does
    WHOLE = "whole"  # all that a module holds
    EVERYTHING = "everything"  # all local modules
    PICKLED = "pickled"  # all that an object may refer to by name


@dataclass(frozen=True, order=True)
class Node:
    """Something that can be reached."""

    kind: str
    module: str = ""
    number: int = -1


@dataclass
class Graph:
    """The user's modules, each read once, and the way from each statement to others.

    Attributes:
        finder: finds modules.
        package: the generated package; its ``pipeline`` is never reached as a whole.
        stages: stage functions, as module and name; objects do not refer to them.
    """

    finder: Finder
    package: str
    stages: frozenset[tuple[str, str]] = frozenset()
    sources: dict[str, Source] = field(default_factory=dict)
    _next: dict[Node, tuple[Node, ...]] = field(default_factory=dict)
    _effectful: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _effects: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def source(self, module: str) -> Source | None:
        """The module, if it is local."""
        if module not in self.sources:
            found = self.finder.find(module)
            if found.origin is not Origin.LOCAL:
                return None
            self.sources[module] = read_source(module, found.file, is_package=bool(found.folders))
        return self.sources[module]

    def discover(self, modules: Iterable[str]) -> None:
        """Reads these and all that they can import."""
        waiting, seen = list(modules), set(self.sources)
        while waiting:
            for part in _with_parents(waiting.pop()):
                source = self.source(part)
                if source is None or part in seen:
                    continue
                seen.add(part)
                for unit in source.units:
                    for target in unit.loads:
                        waiting.append(target.module)
                        if target.name and self.finder.find(target.module).folders:
                            waiting.append(f"{target.module}.{target.name}")

    def unit(self, node: Node) -> Unit:
        """The statement that a node stands for."""
        return self.sources[node.module].units[node.number]

    def reach(self, roots: Iterable[Node]) -> frozenset[Node]:
        """All nodes that can be reached from the roots, and they."""
        seen, waiting = set[Node](), sorted(roots)  # sorted: modules are read on the way
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting.extend(self._neighbours(node))
        return frozenset(seen)

    def resolve(self, module: str, chain: Chain) -> set[Node]:
        """What a name with its attributes means in a module."""
        found: set[Node] = set()
        self._name(module, chain, found, set())
        return found

    def imported(self, module: str) -> tuple[str, ...]:
        """Local modules with effects that importing ``module`` runs, itself and its parents too, in order."""
        if module not in self._effectful:
            order: dict[str, bool] = {}
            seen: set[str] = set()
            stack: list[tuple[str, bool]] = [(part, False) for part in reversed(_with_parents(module))]
            while stack:
                name, done = stack.pop()
                source = self.source(name)
                if source is None:
                    continue
                if done:
                    order[name] = bool(self.effects(name))
                elif name not in seen:
                    seen.add(name)
                    stack.append((name, True))
                    stack.extend((part, False) for part in reversed(list(self._loaded(source.loads))))
            self._effectful[module] = tuple(name for name, any_effect in order.items() if any_effect)
        return self._effectful[module]

    def effects(self, module: str) -> tuple[int, ...]:
        """Numbers of the statements of a module that may change something when it is imported."""
        if module not in self._effects:
            source = self.sources[module]
            main = module == f"{self.package}.pipeline"
            self._effects[module] = tuple(
                number
                for number, unit in enumerate(source.units)
                # what the definition says is not a stage's code
                if not (main and "PIPELINE" in unit.names) and self._has_effect(module, unit)
            )
        return self._effects[module]

    def libraries(self, module: str, units: Iterable[Unit]) -> Iterator[str]:
        """Top-level names of what a module imports, and of what these statements of it do, that is not local."""
        return self._foreign({*self.sources[module].loads, *(target for unit in units for target in unit.loads)})

    def _foreign(self, targets: Iterable[Target]) -> Iterator[str]:
        for target in targets:
            names = [target.module]
            if target.name and self.finder.find(target.module).folders:
                names.append(f"{target.module}.{target.name}")
            for name in names:
                top = name.partition(".")[0]
                if self.finder.find(name).origin is Origin.LIBRARY or self.finder.find(top).origin is Origin.MISSING:
                    yield top

    def _neighbours(self, node: Node) -> tuple[Node, ...]:
        if node not in self._next:
            self._next[node] = tuple(sorted(self._ways(node)))
        return self._next[node]

    def _ways(self, node: Node) -> set[Node]:
        match Kind(node.kind):
            case Kind.UNIT:
                return self._from_unit(node.module, self.unit(node))
            case Kind.EFFECTS:
                return {_unit(node.module, number) for number in self.effects(node.module)}
            case Kind.WHOLE:
                return self._from_whole(node.module)
            case Kind.EVERYTHING:
                return {_whole(module) for module in self._all_modules()}
            case Kind.PICKLED:
                return {
                    _unit(module, number)
                    for module in self._all_modules()
                    for number, unit in enumerate(self.sources[module].units)
                    if unit.kind != "import" and not any((module, name) in self.stages for name in unit.names)
                }

    def _from_unit(self, module: str, unit: Unit) -> set[Node]:
        found = self._importing(module)
        for target in unit.loads:
            self._loading(target, found)
        for chain in unit.chains:
            for target in unit.imports.get(chain[0], ()) if unit.kind != "import" else ():
                self._target(target, chain[1:], found, set())
            self._name(module, chain, found, set())
        if self._unpickles(module, unit):
            found.add(Node(Kind.PICKLED.value))
        if unit.is_dynamic:
            found.add(Node(Kind.EVERYTHING.value))
            for text in unit.constants:
                if _MODULE_NAME.fullmatch(text.strip(".")):
                    self._attribute(text.strip("."), (), found, set())
        for text in unit.constants:
            if text.startswith(f"{self.package}.") and _MODULE_NAME.fullmatch(text.replace(":", ".")):
                self._attribute(self.package, tuple(text.replace(":", ".").split(".")[1:]), found, set())
        return found

    def _from_whole(self, module: str) -> set[Node]:
        source = self.source(module)
        if source is None:
            return set()
        found = self._importing(module)
        for number, unit in enumerate(source.units):
            found.add(_unit(module, number))
            for name in unit.names if unit.kind == "import" else ():
                self._name(module, (name,), found, set())
        for star in source.stars:
            found.add(_whole(star))
        if "__init__" in str(self.finder.find(module).file) or self.finder.find(module).file is None:
            for below in self.finder.submodules(module):
                if self.source(below) is not None and not self._is_own_main(below):
                    found.add(_whole(below))
        return found

    def _importing(self, module: str) -> set[Node]:
        return {Node(Kind.EFFECTS.value, name) for name in self.imported(module)}

    def _loading(self, target: Target, found: set[Node]) -> None:
        for name in self._loaded([target]):
            if self.source(name) is not None:
                found |= self._importing(name)

    def _loaded(self, targets: Iterable[Target]) -> Iterator[str]:
        """The modules that imports run, in order."""
        for target in targets:
            yield from _with_parents(target.module)
            if target.name is not None:
                source = self.source(target.module)
                if source is not None and target.name not in source.bound and self.finder.find(target.module).folders:
                    yield f"{target.module}.{target.name}"

    def _name(self, module: str, chain: Chain, found: set[Node], seen: set[tuple[str, Chain]]) -> bool:
        """Adds what a name means in a module; whether the module binds it."""
        source = self.source(module)
        if source is None or (module, chain) in seen:
            return False
        seen.add((module, chain))
        numbers = source.bound.get(chain[0], ())
        for number in numbers:
            found.add(_unit(module, number))
            for target in source.units[number].imports.get(chain[0], ()):
                self._target(target, chain[1:], found, seen)
        bound = bool(numbers)
        for star in source.stars:
            if self._attribute(star, chain, found, seen):
                bound = True
                found.update(_unit(module, number) for number in source.bound["*"])
        return bound

    def _target(self, target: Target, rest: Chain, found: set[Node], seen: set[tuple[str, Chain]]) -> None:
        self._attribute(target.module, rest if target.name is None else (target.name, *rest), found, seen)

    def _attribute(self, module: str, path: Chain, found: set[Node], seen: set[tuple[str, Chain]]) -> bool:
        """Adds what ``module.path`` means; whether there is such a thing."""
        source = self.source(module)
        if source is None:
            return False
        if not path or path[0] == "__dict__":
            found.add(_whole(module))
            return True
        known = self._name(module, path, found, seen)
        below: Found | None = None
        if self.finder.find(module).folders:
            below = self.finder.find(f"{module}.{path[0]}")
            if below.origin is Origin.LOCAL:
                self._attribute(f"{module}.{path[0]}", path[1:], found, seen)
                known = True
        if not known and "__getattr__" in source.bound:
            found.add(_whole(module))
        return known

    def _has_effect(self, module: str, unit: Unit) -> bool:
        return (
            unit.effect
            # a library that nothing uses may be imported for what its import does
            or (unit.unused and any(True for _ in self._foreign(unit.loads)))
            or any(not self._leaves_alone(module, unit, chain, calls) for chain, calls in unit.decorators)
            or self._is_noticed(module, unit, set())
        )

    def _leaves_alone(self, module: str, unit: Unit, chain: Chain | None, calls: int) -> bool:
        """Whether a decorator keeps nothing of what it decorates."""
        if chain is None:
            return False
        if unit.kind == "class" and chain[-1] in ("setter", "getter", "deleter"):
            return True
        nodes = [node for node in self.resolve(module, chain) if node.kind == Kind.UNIT.value]
        made = [self.unit(node) for node in nodes if self.unit(node).kind != "import"]
        if made:
            return all(other.kind == "function" and other.wraps >= calls for other in made)
        name = dotted(chain, self.sources[module].aliases)
        return name is not None and (KEEPS.search(name) is None or name.startswith("functools."))

    def _is_noticed(self, module: str, unit: Unit, seen: set[Node]) -> bool:
        """Whether a base class, made here, gets to know of its subclass."""
        for chain in unit.bases:
            for node in self.resolve(module, chain):
                if node.kind != Kind.UNIT.value or node in seen:
                    continue
                seen.add(node)
                base = self.unit(node)
                if base.kind == "import" or base is unit:
                    continue
                if base.kind != "class" or base.hooks or self._is_noticed(node.module, base, seen):
                    return True
        return False

    def _unpickles(self, module: str, unit: Unit) -> bool:
        own: dict[str, str | None] = {
            name: f"{target.module}.{target.name}" if target.name else target.module
            for name, targets in unit.imports.items()
            for target in targets
        }
        aliases = ChainMap(own, dict(self.sources[module].aliases))
        for name in (dotted(chain, aliases) or "" for chain in unit.chains):
            if name in UNPICKLERS or (name.startswith("mlflow.") and name.endswith(".load_model")):
                return True
            if name == "numpy.load" and "allow_pickle" in unit.words:
                return True
        return False

    def _all_modules(self) -> tuple[str, ...]:
        tops = {module.partition(".")[0] for module in self.sources} | {self.package}
        for top in sorted(tops):
            if self.finder.find(top).file is not None:  # a folder without __init__.py may hold anything
                self.discover(self.finder.submodules(top))
        return tuple(sorted(module for module in self.sources if not self._is_own_main(module)))

    def _is_own_main(self, module: str) -> bool:
        return module in (f"{self.package}.pipeline", f"{self.package}.__main__")


def _unit(module: str, number: int) -> Node:
    return Node(Kind.UNIT.value, module, number)


def _whole(module: str) -> Node:
    return Node(Kind.WHOLE.value, module)


def _with_parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
