"""What several commands share: the folder of runs, and how a problem of the user's ends."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from nb2pipe.runtime.errors import RunError, StorageError

output_option = click.option(
    "--output", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of runs."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Print what is wrong with the input as one message, and end with exit code 2."""

    @functools.wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except (RunError, StorageError) as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(2)

    return called


def print_json(value: Any) -> None:
    """Print plain data, or a record, as JSON."""
    from nb2pipe.runtime.record_json import to_json

    click.echo(json.dumps(json.loads(to_json(value)), indent=2, ensure_ascii=False))


def print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print columns, each as wide as its widest cell."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
