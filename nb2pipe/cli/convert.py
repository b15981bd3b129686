"""``nb2pipe convert``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from nb2pipe.convert import Conversion, convert
from nb2pipe.emit.write import WriteError, write
from nb2pipe.notebook import NotebookError


@click.command("convert", epilog="Example: nb2pipe convert notebooks/flight_delays.ipynb --output generated")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("generated"),
    show_default=True,
    help="Folder of packages.",
)
@click.option("--name", help="Name of the package; by default the notebook's file name, made an identifier.")
@click.option("--diff", is_flag=True, help="Show what would change; write nothing.")
@click.option("--check", is_flag=True, help="Exit with 1 when the package on disk is not what this notebook makes.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON on stdout.")
def command(notebook: Path, output: Path, name: str | None, diff: bool, check: bool, as_json: bool) -> None:
    """Turn NOTEBOOK into the package OUTPUT/<name>. The notebook is read, never executed or changed.

    A package that is there already is updated: your edits are kept, and what cannot be merged is marked and reported.
    Exit codes: 0 done, 1 refused with a diagnostic (or --check found a difference), 2 bad usage or notebook.
    """
    try:
        conversion = convert(notebook, output, name)
        if conversion.plan is not None and not (diff or check):
            write(conversion.plan)
    except (NotebookError, WriteError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    for finding in conversion.findings:
        click.echo(finding.text(str(notebook)), err=True)
    if conversion.plan is None:
        click.echo(f"{notebook}: not converted; nothing was written", err=True)
        if as_json:
            click.echo(_json(conversion))
        sys.exit(1)
    if diff:
        click.echo(conversion.plan.diff_text(), nl=False)
    elif as_json:
        click.echo(_json(conversion))
    elif not check:
        _report(conversion)
    if check and not conversion.plan.is_up_to_date:
        click.echo(f"{conversion.target} is not what {notebook} makes; run nb2pipe convert, or see --diff", err=True)
        sys.exit(1)


def _report(conversion: Conversion) -> None:
    assert conversion.plan is not None and conversion.pipeline is not None
    for change in conversion.plan.changes:
        if change.needs_attention:
            click.echo(f"{change.path}: {change.message}", err=True)
    stages = " → ".join(stage.name for stage in conversion.pipeline.stages)
    click.echo(f"{conversion.pipeline.name}: {stages}", err=True)
    click.echo(str(conversion.target))


def _json(conversion: Conversion) -> str:
    changes = [] if conversion.plan is None else [{"path": c.path, "action": c.action} for c in conversion.plan.changes]
    return json.dumps(
        {
            "package": str(conversion.target) if conversion.plan else None,
            "stages": [stage.name for stage in conversion.pipeline.stages] if conversion.pipeline else [],
            "changes": changes,
            "findings": [asdict(finding) for finding in conversion.findings],
        },
        indent=2,
    )
