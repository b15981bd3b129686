"""The pass over a whole notebook: imports, definitions, then every statement in order."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from nb2pipe.analysis.carried import changing_modules, module_name
from nb2pipe.analysis.constructs import construct_findings
from nb2pipe.analysis.context import Context, dotted_path, root_name
from nb2pipe.analysis.definitions import (
    DefinitionNode,
    attribute_targets,
    attributes_reached,
    definition,
    definition_node,
    hooks_of,
    inner_node,
    summaries,
)
from nb2pipe.analysis.effects import effects_of
from nb2pipe.analysis.imports import (
    code_cells,
    imported_names,
    is_steady_import,
    steady_imports,
    with_named_star_imports,
)
from nb2pipe.analysis.kernel_lines import kernel_line_findings
from nb2pipe.analysis.library import library
from nb2pipe.analysis.model import Definition, Effects, Facts, Flow, Statement, StatementKind
from nb2pipe.analysis.scopes import flow_of, scope_of
from nb2pipe.analysis.trials import Types
from nb2pipe.analysis.values import joined
from nb2pipe.diagnostics import Diagnostic, rule
from nb2pipe.notebook import Cell, CellKind, Notebook, Role
from nb2pipe.notebook.parsing import parsed
from nb2pipe.notebook.trees import walk


def analyse(notebook: Notebook, values: frozenset[str] = frozenset()) -> Facts:
    """Facts of every statement of ``notebook``, in notebook order. Nothing is executed.

    ``values`` are functions and classes to treat as values, besides those that are bound more than once.
    """
    trees = {cell.number: parsed(cell.code) for cell in code_cells(notebook)}
    named = with_named_star_imports(notebook, trees)
    if named is not notebook:
        notebook, trees = named, {cell.number: parsed(cell.code) for cell in code_cells(named)}
    cells = code_cells(notebook)
    skipped_cells = [cell for cell in notebook.cells if cell.kind is CellKind.CODE and cell.role is Role.SKIP]
    changing = changing_modules(notebook.modules, trees.values())
    written = frozenset(module for cell in cells for module in cell.written)
    implied = frozenset(module for cell in cells for module in cell.implied)
    imports = steady_imports(trees.values(), changing | written, implied)
    nodes, first_cells = _definitions(cells, trees, values)
    free = _free_names_of_values(trees.values(), nodes)
    findings = [
        rule("NB101").found(cell.number, 1, construct=cell.source.strip().partition("\n")[0])
        for cell in cells
        if cell.implied - imports.keys()
    ]
    findings += _import_findings(cells, trees, notebook, changing)
    findings += kernel_line_findings(cells, trees, imports, notebook.siblings)
    parsed_cells = list(trees.values())
    hooks, reached = hooks_of(parsed_cells), attributes_reached(parsed_cells, imports)
    context = summaries(nodes, Context(library(), imports, hooks=hooks, reached=reached))
    touched = attribute_targets(list(trees.values()))
    definitions = {name: definition(name, node, first_cells[name], context, touched) for name, node in nodes.items()}
    statements, types = _statements(cells, trees, context, nodes, {})
    skipped_trees = {cell.number: _tolerant(cell.source) for cell in skipped_cells}
    skipped, _ = _statements(skipped_cells, skipped_trees, context, nodes, types)
    bound = _bound(statements)
    for cell in cells:
        findings += construct_findings(cell, trees[cell.number], context, bound)
    return Facts(
        notebook=notebook,
        statements=tuple(statements),
        skipped=tuple(skipped),
        definitions=definitions,
        values=free,
        changing_modules=changing,
        imports=imports,
        types={name: kind for name, kind in _agreed(statements).items() if kind is not None},
        findings=tuple(sorted({*notebook.findings, *findings})),
    )


def _tolerant(source: str) -> ast.Module:
    """A skipped cell need not be Python; what cannot be parsed has no effect that could be missed."""
    from nb2pipe.notebook.magics import Untranslatable, plain_python

    try:
        return parsed(plain_python(source).code)
    except (SyntaxError, ValueError, RecursionError, MemoryError, Untranslatable):
        return ast.Module(body=[], type_ignores=[])


def _definitions(
    cells: Iterable[Cell], trees: Mapping[int, ast.Module], values: frozenset[str]
) -> tuple[dict[str, DefinitionNode], dict[str, int]]:
    """Functions and classes that mean the same throughout, and the cells that define them first."""
    nodes: dict[str, DefinitionNode] = {}
    first: dict[str, int] = {}
    changing = set(values)
    for cell in cells:
        for statement in trees[cell.number].body:
            found = definition_node(statement)
            if found is None:
                changing |= flow_of([statement]).may_bind | flow_of([statement]).deletes
                continue
            name, node = found
            if name in nodes and ast.dump(nodes[name]) != ast.dump(node):
                changing.add(name)
            if name not in nodes:
                nodes[name], first[name] = node, cell.number
            changing |= scope_of(inner_node(node)).writes
    return {name: node for name, node in nodes.items() if name not in changing}, first


def _free_names_of_values(
    trees: Iterable[ast.Module], nodes: Mapping[str, DefinitionNode]
) -> dict[str, frozenset[str]]:
    free: dict[str, frozenset[str]] = {}
    for tree in trees:
        for statement in tree.body:
            found = definition_node(statement)
            if found is not None and found[0] not in nodes:
                name, node = found
                scope = scope_of(inner_node(node))
                free[name] = free.get(name, frozenset()) | scope.free
    return free


def _import_findings(
    cells: Iterable[Cell], trees: Mapping[int, ast.Module], notebook: Notebook, changing: frozenset[str]
) -> list[Diagnostic]:
    return [
        finding
        for cell in cells
        for statement in trees[cell.number].body
        for node in walk(statement)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for finding in _of_import(cell.number, statement, node, notebook, changing)
    ]


def _of_import(
    cell: int, statement: ast.stmt, node: ast.Import | ast.ImportFrom, notebook: Notebook, changing: frozenset[str]
) -> Iterator[Diagnostic]:
    if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
        yield rule("NB103").found(cell, node.lineno, construct=ast.unparse(node))
    if isinstance(node, ast.ImportFrom) and node.level:
        name = "." * node.level + (node.module or "")
        yield rule("NB106").found(cell, node.lineno, name=name, why="a notebook is in no package")
        return
    carried = {module_name(path).partition(".")[0] for path in notebook.modules}
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    for name in names:
        top = name.partition(".")[0]
        if top not in notebook.siblings:
            continue
        if top not in carried:
            yield rule("NB106").found(cell, node.lineno, name=top, why="it is no Python that can be carried along")
        elif top == notebook.name:
            yield rule("NB106").found(cell, node.lineno, name=top, why="the package has the same name")
        elif name in changing and (isinstance(node, ast.ImportFrom) or node is not statement or "." in name):
            why = "what it keeps may change, and only `import module` lets that be followed"
            yield rule("NB106").found(cell, node.lineno, name=name, why=why)


def _statements(
    cells: Iterable[Cell],
    trees: Mapping[int, ast.Module],
    context: Context,
    nodes: Mapping[str, DefinitionNode],
    types: Mapping[str, str | None],
) -> tuple[list[Statement], dict[str, str | None]]:
    known = Types(types)
    result: list[Statement] = []
    for cell in cells:
        for order, node in enumerate(trees[cell.number].body):
            flow = flow_of([node])
            names = imported_names(node)
            found = definition_node(node)
            if found is not None and found[0] not in nodes:
                result.append(_value_definition(node, found[1], cell, order, flow, context))
                known[found[0]] = None
                continue
            if is_steady_import(node, context.imports):
                result.append(Statement(node, cell.number, order, StatementKind.IMPORT, flow, Effects(), names))
                continue
            if found is not None:
                header = Flow(reads=_header_reads(node, flow), binds=flow.binds, may_bind=flow.may_bind)
                result.append(Statement(node, cell.number, order, StatementKind.DEFINITION, header, Effects()))
                continue
            effects, _, _ = effects_of([node], context, known)
            bound = {name: kind for name in flow.may_bind if (kind := known.get(name)) is not None}
            kind = _kind(node, cell, effects, flow, context)
            result.append(Statement(node, cell.number, order, kind, flow, effects, types=bound))
    return result, known


def _value_definition(
    node: ast.stmt, definition: DefinitionNode, cell: Cell, order: int, flow: Flow, context: Context
) -> Statement:
    """A function or class as a value: made here, of what it reads here, and sharing what it reads when it runs."""
    name = next(iter(flow.binds))
    header = Flow(reads=_header_reads(node, flow), binds=flow.binds, may_bind=flow.may_bind)
    effects, _, _ = effects_of([node], context, {})
    scope = scope_of(inner_node(definition))
    shared = {(min(name, other), max(name, other)) for other in scope.free | scope.evaluated if other != name}
    runs = bool(getattr(definition, "decorator_list", ())) or isinstance(definition, ast.ClassDef)
    effects = replace(effects, aliases=effects.aliases | shared, unknown_calls=effects.unknown_calls or runs)
    if not runs:
        effects = Effects(aliases=frozenset(shared))
    return Statement(node, cell.number, order, StatementKind.CODE, header, effects)


def _header_reads(node: ast.stmt, flow: Flow) -> frozenset[str]:
    """What a definition reads when it is made; what its body reads counts where it is called."""
    if isinstance(node, ast.Assign):
        assert isinstance(node.value, ast.Lambda)
        return scope_of(node.value).evaluated
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return scope_of(node).evaluated & flow.reads


def _kind(node: ast.stmt, cell: Cell, effects: Effects, flow: Flow, context: Context) -> StatementKind:
    if _is_setting(node, cell, effects, flow, context):
        return StatementKind.SETTING
    if isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and _is_display(node.value, effects, flow)):
        return StatementKind.DISPLAY
    return StatementKind.CODE


def _is_display(value: ast.expr, effects: Effects, flow: Flow) -> bool:
    """An expression whose value is shown and thrown away, and that does nothing else."""
    quiet = not (
        effects.mutates
        or effects.draws
        or effects.seeds
        or effects.plots
        or effects.unknown_calls
        or effects.writes_files
        or effects.calls
        or flow.may_bind
    )
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "print":
        return False
    return quiet


def _is_setting(node: ast.stmt, cell: Cell, effects: Effects, flow: Flow, context: Context) -> bool:
    """Whether the statement sets process state and nothing else, from imports and literals alone."""
    if flow.may_bind or flow.deletes or (flow.reads - context.imports.keys() - _builtin_names()):
        return False
    if isinstance(node, ast.Assign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return all(root_name(target) in context.imports for target in targets)
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    root = root_name(node.value)
    if root not in context.imports:
        return False
    path = dotted_path(node.value.func, context.imports)
    row = context.library.function(path) if path else None
    if row is None:
        return cell.role is Role.SETUP or effects.process
    return "setting" in row or ("unknown" in row and cell.role is Role.SETUP and "seeds" not in row)


def _builtin_names() -> frozenset[str]:
    from nb2pipe.analysis.context import BUILTINS

    return BUILTINS


def _bound(statements: Iterable[Statement]) -> frozenset[str]:
    return frozenset(name for statement in statements for name in statement.flow.may_bind)


def _agreed(statements: Iterable[Statement]) -> dict[str, str | None]:
    agreed: dict[str, str | None] = {}
    for statement in statements:
        for name in _sorted_names(statement):
            kind = statement.types.get(name)
            agreed[name] = joined(agreed[name], kind) if name in agreed else kind
    return agreed


def _sorted_names(statement: Statement) -> Iterator[str]:
    if statement.kind is not StatementKind.IMPORT:
        yield from sorted(statement.flow.may_bind)


__all__ = ["Definition", "analyse"]
