"""From a file to a :class:`Notebook`: formats, limits, roles. The only effect is reading that one file."""

from __future__ import annotations

import ast
import hashlib
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nb2pipe.diagnostics import Diagnostic, rule
from nb2pipe.notebook.bound import bound_names
from nb2pipe.notebook.magics import PlainCode, Untranslatable, plain_python
from nb2pipe.notebook.model import Cell, CellKind, Notebook, NotebookError, Role
from nb2pipe.notebook.modules import carried_modules, sibling_modules
from nb2pipe.notebook.names import package_name
from nb2pipe.notebook.parsing import parsed
from nb2pipe.notebook.tags import role_of
from nb2pipe.notebook.trees import children

#: Outputs (plots, tables) make up most of a notebook file; code far beyond these sizes is not a person's.
LARGEST_FILE = 200 * 2**20
LARGEST_CELL = 2**20
MOST_LINES = 10_000
MOST_CELLS = 20_000
#: Syntax trees deeper than this exhaust the stack of the tools that read and write code.
DEEPEST = 150
#: So many loops and functions within each other are beyond reading; the analysis goes through each more than once.
REPEATED = (ast.For, ast.AsyncFor, ast.While, ast.FunctionDef, ast.AsyncFunctionDef)
MOST_REPEATED = 20

JUPYTEXT_SUFFIXES = {".py": "py:percent", ".md": "md:myst", ".qmd": "qmd"}


def read_notebook(path: Path, name: str | None = None) -> Notebook:
    """Read the notebook at ``path`` (``.ipynb``, ``py:percent``, MyST markdown); nothing in it is executed.

    Raises:
        NotebookError: with one message for people, when it is not a Python notebook that can be converted.
    """
    raw_cells = _checked(_load(path), path)
    cells = tuple(_with_roles(raw_cells, path))
    findings = tuple(
        rule("NB101").found(cell.number, line, construct=text)
        for cell in cells
        if cell.kind is CellKind.CODE and cell.role is not Role.SKIP
        for line, text in cell.refused
    )
    anew = {module for cell in cells for module in cell.written if not cell.appends}
    siblings = {name: file for name, file in sibling_modules(path).items() if name not in anew or file.is_dir()}
    codes = [cell.code for cell in cells if cell.kind is CellKind.CODE and cell.role is not Role.SKIP]
    modules = carried_modules(codes, siblings)
    return Notebook(
        name=name or package_name(path),
        cells=cells,
        digest=_digest(cells, modules),
        findings=_sorted(findings),
        siblings=frozenset(siblings),
        modules=modules,
    )


def _sorted(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(findings))


def _load(path: Path) -> Mapping[str, Any]:
    text = _text(path)
    if path.suffix == ".ipynb":
        return _from_json(text, path)
    if path.suffix in JUPYTEXT_SUFFIXES:
        return _from_text(text, path)
    known = ", ".join([".ipynb", *JUPYTEXT_SUFFIXES])
    raise NotebookError(f"{path}: '{path.suffix or path.name}' is not a notebook format; give a file ending in {known}")


def _text(path: Path) -> str:
    try:
        if path.is_dir():
            raise NotebookError(f"{path}: this is a folder; give a notebook file")
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise NotebookError(
                f"{path}: {size:,} bytes is over the limit of {LARGEST_FILE:,}; clear the notebook's outputs"
            )
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise NotebookError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise NotebookError(f"{path}: not UTF-8 text (byte {error.start}); save it again from Jupyter") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotebookError(f"{str(path)!r}: cannot be read: {reason}") from None


def _from_json(text: str, path: Path) -> Mapping[str, Any]:
    import nbformat

    if not text.strip():
        raise NotebookError(f"{path}: the file is empty")
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise NotebookError(
            f"{path}: not a notebook: its JSON breaks off or is malformed at line {error.lineno}, column {error.colno} "
            f"({error.msg}); restore it from a checkpoint or from version control"
        ) from None
    except RecursionError:
        raise NotebookError(f"{path}: not a notebook: its JSON is nested too deeply") from None
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        raise NotebookError(f"{path}: not a notebook: JSON without the key 'nbformat'")
    listed = content.get("cells")
    _check_count(listed if isinstance(listed, list) else [], path)
    if content["nbformat"] > 4:
        raise NotebookError(f"{path}: notebook format {content['nbformat']} is newer than nb2pipe reads (4)")
    if content["nbformat"] < 4 and not isinstance(content.get("worksheets"), list):
        raise NotebookError(f"{path}: notebook format {content['nbformat']} without its 'worksheets'")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _without_outputs(content)
            notebook = nbformat.from_dict(content) if content["nbformat"] == 4 else nbformat.reads(text, as_version=4)
            notebook = _normalized(notebook)
            nbformat.validate(notebook)
    except RecursionError:
        raise NotebookError(f"{path}: not a notebook: nested too deeply") from None
    except Exception as error:  # nbformat raises its own and its validator's errors, KeyError and TypeError
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        raise NotebookError(f"{path}: {_cell_of(error)}not a valid notebook: {first[:200]}") from None
    result: Mapping[str, Any] = notebook
    return result


def _without_outputs(content: Mapping[str, Any]) -> None:
    """Empties what cells have shown: most of a notebook's bytes, and none of its meaning."""
    for cell in content["cells"] if isinstance(content.get("cells"), list) else ():
        if isinstance(cell, dict) and isinstance(cell.get("outputs"), list):
            cell["outputs"] = []


def _cell_of(error: Exception) -> str:
    """``cell 3: `` when a validation error tells where in the notebook it is."""
    place = list(getattr(getattr(error, "original", error), "absolute_path", ()))
    return f"cell {place[1] + 1}: " if len(place) > 1 and place[0] == "cells" and isinstance(place[1], int) else ""


def _normalized(notebook: Any) -> Any:
    """Cell ids are not ours to judge (Jupyter writes them into formats that do not know them); all else is."""
    from nbformat.validator import normalize

    if notebook.get("nbformat_minor", 0) < 5 and isinstance(notebook.get("cells"), list):
        for cell in notebook["cells"]:
            if isinstance(cell, dict):
                cell.pop("id", None)
    return normalize(notebook)[1]


def _from_text(text: str, path: Path) -> Mapping[str, Any]:
    import jupytext

    form = JUPYTEXT_SUFFIXES[path.suffix]
    if form == "py:percent" and "# %%" not in text:
        raise NotebookError(
            f"{path}: a plain script, not a notebook: py:percent notebooks mark their cells with '# %%'"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            notebook = jupytext.reads(text, fmt=form)
    except Exception as error:  # jupytext has no base class for its errors, and qmd needs another program
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        raise NotebookError(f"{path}: cannot be read as {form}: {first[:200]}") from None
    result: Mapping[str, Any] = notebook
    return result


def _checked(notebook: Mapping[str, Any], path: Path) -> list[Mapping[str, Any]]:
    metadata = notebook.get("metadata", {})
    language = (
        metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name") or "python"
    )
    if str(language).lower() not in ("python", "ipython", "python3"):
        raise NotebookError(f"{path}: the notebook's language is {language!a}; nb2pipe converts Python notebooks")
    cells = list(notebook.get("cells", []))
    if not any(cell.get("cell_type") == "code" and _source(cell).strip() for cell in cells):
        raise NotebookError(f"{path}: the notebook has no code cells")
    _check_count(cells, path)
    return cells


def _check_count(cells: Sequence[Any], path: Path) -> None:
    if len(cells) > MOST_CELLS:
        raise NotebookError(f"{path}: {len(cells):,} cells are over the limit of {MOST_CELLS:,}")


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _with_roles(raw_cells: Iterable[Mapping[str, Any]], path: Path) -> Iterator[Cell]:
    stage: str | None = None
    index = 0
    raw_cells = list(raw_cells)
    names = _names_for_shell_lines([_source(raw) for raw in raw_cells if raw.get("cell_type") == "code"])
    for number, raw in enumerate(raw_cells, start=1):
        source = _source(raw)
        tags = raw.get("metadata", {}).get("tags", [])
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise NotebookError(f"{path}: cell {number}: its tags are not a list of words; retag the cell")
        kind = CellKind(raw.get("cell_type", "raw"))
        if kind is not CellKind.CODE:
            yield Cell(number, None, kind, source, tags=tuple(tags))
            continue
        if len(source) > LARGEST_CELL:
            raise NotebookError(
                f"{path}: cell {number}: {len(source):,} characters are over the limit of {LARGEST_CELL:,}"
            )
        if source.count("\n") > MOST_LINES:
            raise NotebookError(
                f"{path}: cell {number}: {source.count(chr(10)):,} lines are over the limit of {MOST_LINES:,}"
            )
        try:
            role, named = role_of(tags, number)
        except NotebookError as error:
            raise NotebookError(f"{path}: {error}") from None
        if role is Role.STAGE:
            stage = named
        if role is None:
            role = Role.STAGE if stage else Role.SETUP
        plain = _plain(source, number, path, names) if role is not Role.SKIP else None
        code = _compiled(plain.code, number, path) if plain else ""
        yield Cell(
            number=number,
            index=index,
            kind=kind,
            source=source,
            code=code,
            role=role,
            stage=stage if role is Role.STAGE else None,
            tagged=named is not None,
            tags=tuple(tags),
            dropped=plain.dropped if plain else (),
            refused=plain.refused if plain else (),
            implied=plain.imports if plain else frozenset(),
            written=plain.written if plain else frozenset(),
            appends=bool(plain and plain.appends),
        )
        index += 1


def _names_for_shell_lines(sources: Sequence[str]) -> frozenset[str]:
    """Names that the notebook binds, where some cell may put their values into a command."""
    if not any("!" in source or "%" in source or "get_ipython" in source for source in sources):
        return frozenset()
    return bound_names(source for source in sources if len(source) <= LARGEST_CELL)


def _plain(source: str, number: int, path: Path, names: frozenset[str]) -> PlainCode:
    try:
        return plain_python(source, names)
    except (RecursionError, MemoryError):
        raise _too_deep(number, path) from None
    except Untranslatable as error:
        raise NotebookError(f"{path}: cell {number}: {error}; split the cell, or tag it 'skip'") from None


def _too_deep(number: int, path: Path) -> NotebookError:
    return NotebookError(
        f"{path}: cell {number}: nested too deeply, or too long a chain of operators, calls or branches; split it"
    )


def _compiled(code: str, number: int, path: Path) -> str:
    """``code`` itself, once Python's own compiler has accepted it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parsed(code)
            if len(code) > DEEPEST and _is_too_deep(tree):
                raise RecursionError
            compile(tree, f"cell {number}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        line = (error.text or "").strip()[:80]
        raise NotebookError(
            f"{path}: cell {number}, line {error.lineno or 1}: not Python: {error.msg}: {line!r}; "
            "mend the cell, or tag it 'skip'"
        ) from None
    except (RecursionError, MemoryError):
        raise _too_deep(number, path) from None
    except (ValueError, UnicodeEncodeError) as error:
        raise NotebookError(f"{path}: cell {number}: not Python: {error}; remove the stray characters") from None
    return code


def _is_too_deep(tree: ast.AST) -> bool:
    stack = [(tree, 0, 0)]
    while stack:
        node, depth, repeats = stack.pop()
        repeats += isinstance(node, REPEATED)
        if depth > DEEPEST or repeats > MOST_REPEATED:
            return True
        stack += [(child, depth + 1, repeats) for child in children(node)]
    return False


def _digest(cells: Iterable[Cell], modules: Mapping[str, str]) -> str:
    sha = hashlib.sha256()
    for cell in cells:
        sha.update(json.dumps([cell.kind, cell.source, cell.tags]).encode())
    for module, text in modules.items():
        sha.update(json.dumps([module, text]).encode())
    return sha.hexdigest()
