"""``contracts.py``: pandera schemas, read from the notebook's asserts, and the types of what crosses."""

from __future__ import annotations

from nb2pipe.emit.annotations import Annotator, import_block
from nb2pipe.emit.source import quoted
from nb2pipe.pipeline.model import ColumnRule, Import, Pipeline, TableContract


def schema_name(artifact: str) -> str:
    """``load_data.flights`` → ``LOAD_DATA_FLIGHTS``."""
    return artifact.replace(".", "_").upper()


def contracts_module(pipeline: Pipeline) -> str:
    """The module, not yet formatted."""
    names = frozenset(pipeline.helpers.names)
    annotator = Annotator([], names, names)
    if pipeline.contracts:
        annotator.need(Import("pandera.pandas", None, "pa"))
    schemas = "\n\n".join(_schema(contract) for contract in pipeline.contracts)
    types = "\n".join(
        f"    {artifact.address!r}: {annotator.write(artifact.type)},"
        for stage in pipeline.stages
        for artifact in stage.outputs
        if artifact.type is not None and annotator.write(artifact.type) != "Any"
    )
    said = "#: Types of the artifacts, where the notebook's code tells them."
    table = f"{said}\nTYPES: dict[str, object] = {{\n{types}\n}}\n"
    imports = [i for i in annotator.added if i.name != "Any" or "Any" in types]
    imports += [Import(f"{pipeline.name}.helpers", name, name) for name in sorted(annotator.used_helpers)]
    head = quoted("Contracts of what crosses from stage to stage. Yours to sharpen.")
    return f"{head}\n\n{import_block(imports)}\n\n{schemas}\n\n{table}"


def _schema(contract: TableContract) -> str:
    columns = "\n".join(f"        {rule.column!r}: {_column(rule)}," for rule in contract.columns)
    checks = f"    checks=[{', '.join(contract.table_checks)}],\n" if contract.table_checks else ""
    cells = ", ".join(str(cell) for cell in contract.cells)
    return (
        f"#: From the asserts of cell {cells}.\n"
        f"{schema_name(contract.artifact)} = pa.DataFrameSchema(\n"
        f"    {{\n{columns}\n    }},\n{checks}    name={contract.artifact.partition('.')[2]!r},\n)"
    )


def _column(rule: ColumnRule) -> str:
    arguments = []
    if len(rule.checks) == 1:
        arguments.append(f"checks={rule.checks[0]}")
    elif rule.checks:
        arguments.append(f"checks=[{', '.join(rule.checks)}]")
    arguments.append(f"nullable={rule.nullable}")
    if rule.unique:
        arguments.append("unique=True")
    return f"pa.Column({', '.join(arguments)})"
