"""One table against its pandera schema, as a list of checks that names every failing row and column."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nb2pipe.runtime.record import CheckRecord

if TYPE_CHECKING:
    from pandera.errors import SchemaError
    from pandera.pandas import DataFrameSchema

MOST_ROWS = 10
"""How many failing rows a check lists; all of them are counted."""

_RULES = {
    "column_in_dataframe": "is there",
    "column_in_schema": "is in the schema",
    "column_ordered": "is in the schema's order",
    "not_nullable": "not null",
    "field_uniqueness": "unique",
    "multiple_fields_uniqueness": "unique together",
}

Rule = tuple[str, str]
"""A subject (``flights.month``) and what is asked of it."""


def check_table(subject: str, schema: DataFrameSchema, table: Any) -> list[CheckRecord]:
    """Every check of ``schema`` on ``table``, first those that failed, then those that passed."""
    import pandas as pd
    from pandera.config import ValidationDepth, config_context
    from pandera.errors import SchemaErrors

    if not isinstance(table, pd.DataFrame):
        kind = f"{type(table).__module__}.{type(table).__qualname__}"
        return [CheckRecord(subject, "is a table", passed=False, observed=f"it is a {kind}")]
    schema = copy.deepcopy(schema)
    schema.drop_invalid_rows = False  # a gate says no to bad rows; it never loses them
    failed: list[CheckRecord] = []
    try:
        # PANDERA_VALIDATION_ENABLED=false must not open a gate
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            schema.validate(table, lazy=True)
    except SchemaErrors as errors:
        failed = [_failed(subject, error, len(table)) for error in errors.schema_errors]
        failed = failed or [CheckRecord(subject, "schema holds", passed=False, observed=_short(errors))]
    except Exception as error:  # a schema that cannot be checked is a "no" with its reason
        return [CheckRecord(subject, "schema can be checked", False, f"{type(error).__name__}: {_short(error)}")]
    said_no = {(check.subject, check.rule) for check in failed}
    unknown = {name for name, rule in said_no if rule == "is there" or rule.startswith("convertible")}
    passed = [
        CheckRecord(name, rule, passed=True, observed=f"{len(table)} rows")
        for name, rule in dict.fromkeys(_rules(subject, schema, table))
        if (name, rule) not in said_no and name not in unknown
    ]
    return failed + passed


def _rules(subject: str, schema: DataFrameSchema, table: Any) -> Iterator[Rule]:
    """All that ``schema`` asks of this table, in the schema's order."""
    for key, column in schema.columns.items():
        names = [str(key)]
        if column.regex:
            names = [str(name) for name in table.columns if re.match(str(key), str(name))]
        elif key not in table.columns and not column.required:
            continue
        for name in names:
            if column.required:
                yield f"{subject}.{name}", "is there"
            yield from _field_rules(f"{subject}.{name}", column)
    for level in getattr(schema.index, "indexes", None) or ([schema.index] if schema.index is not None else []):
        yield from _field_rules(f"{subject}.{level.name or 'index'}", level)
    if schema.strict is True:
        yield subject, "no further columns"
    if schema.unique:
        yield subject, f"unique together: {_joined(schema.unique)}"
    for check in schema.checks or []:
        yield subject, _rule(check)


def _field_rules(name: str, field: Any) -> Iterator[Rule]:
    if field.dtype is not None:
        yield name, f"type {field.dtype}"
    if not field.nullable:
        yield name, "not null"
    if field.unique:
        yield name, "unique"
    for check in field.checks or []:
        yield name, _rule(check)


def _rule(check: Any) -> str:
    """A check as people read it: ``in_range(1, 12)``, or the message or name its author gave."""
    if not isinstance(check, str):
        return str(check.error or check.name or "check")
    if match := re.fullmatch(r"(coerce_)?dtype\('(.*)'\)", check):
        return f"convertible to {match[2]}" if match[1] else f"type {match[2]}"
    return _RULES.get(check, check)


def _failed(subject: str, error: SchemaError, length: int) -> CheckRecord:
    from pandas import DataFrame

    cases: Any = error.failure_cases
    rule = _rule(error.check)
    name = _subject(subject, error)
    if rule == _RULES["multiple_fields_uniqueness"]:
        columns = list(dict.fromkeys(cases["column"]))
        rows = _rows_of_columns(cases, columns)
        count = len(cases) // max(len(columns), 1)
        return CheckRecord(name, f"{rule}: {_joined(columns)}", False, f"{count} of {length} rows", rows, count)
    if rule.startswith("type "):  # pandera gives one example or none: the column as a whole has another type
        got = re.search(r"got (\S+)", str(error))
        rows = _failing_rows(cases, None)[0] if isinstance(cases, DataFrame) else ()
        return CheckRecord(name, rule, False, f"it has type {got[1]}" if got else _short(error), rows)
    if not isinstance(cases, DataFrame):
        observed = _short(error) if error.check_output is None else "false for the whole"
        return CheckRecord(name, rule, passed=False, observed=_observed(rule, observed))
    rows, count = _failing_rows(cases, error.check_output)
    observed = f"{count} of {length} rows" if count else _observed(rule, _short(error))
    return CheckRecord(name, rule, passed=False, observed=observed, failing_rows=rows, failing_count=count)


def _subject(subject: str, error: SchemaError) -> str:
    if error.check in ("column_in_dataframe", "column_in_schema"):
        return f"{subject}.{error.failure_cases}"
    if type(error.schema).__name__ == "DataFrameSchema":
        return subject
    name = getattr(error.schema, "name", None)
    return f"{subject}.{'index' if name is None else name}"


def _observed(rule: str, otherwise: str) -> str:
    return {"is there": "no such column", "is in the schema": "the schema knows no such column"}.get(rule, otherwise)


def _failing_rows(cases: Any, output: Any) -> tuple[tuple[str, ...], int]:
    """The first failing rows with their values, and how many there are."""
    from pandas import Series

    count, by_row = len(cases), "column" not in cases
    if isinstance(output, Series) and output.dtype == bool:
        labels = list(output.index[~output])
        count = len(labels)
        if not by_row:  # a check on whole rows: pandera lists every cell of them
            return tuple(_text(label) for label in labels[:MOST_ROWS]), count
    if "index" not in cases or cases["index"].isna().all():
        return (), 0
    pairs = zip(cases["index"][:MOST_ROWS], cases["failure_case"][:MOST_ROWS], strict=True)
    return tuple(f"{_text(label)} ({_text(value, quote=True)})" for label, value in pairs), count


def _rows_of_columns(cases: Any, columns: list[Any]) -> tuple[str, ...]:
    values = [list(cases.loc[cases["column"] == column, "failure_case"]) for column in columns]
    labels = list(cases.loc[cases["column"] == columns[0], "index"]) if columns else []
    return tuple(
        f"{_text(label)} ({', '.join(f'{c}={_text(v, quote=True)}' for c, v in zip(columns, row, strict=True))})"
        for label, *row in list(zip(labels, *values, strict=False))[:MOST_ROWS]
    )


def _text(value: Any, *, quote: bool = False) -> str:
    text = repr(value) if quote and isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _short(error: BaseException) -> str:
    first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return first if len(first) <= 200 else f"{first[:199]}…"


def _joined(names: Any) -> str:
    return names if isinstance(names, str) else ", ".join(map(str, names))
