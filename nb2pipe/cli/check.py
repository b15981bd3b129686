"""``nb2pipe check``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from nb2pipe.diagnostics import Diagnostic, Severity


@click.command("check", epilog="Example: nb2pipe check notebooks/flight_delays.ipynb", short_help="Diagnose notebooks.")
@click.argument("notebooks", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="NOTEBOOK...")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON on stdout.")
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
def command(notebooks: tuple[Path, ...], as_json: bool, form: str) -> None:
    """Say what stands between a notebook and its pipeline: cell, line, and the mend. Nothing is executed.

    Exit codes: 0 clean or warnings only, 1 errors, 2 a notebook cannot be read.
    """
    from nb2pipe.convert import check
    from nb2pipe.notebook import NotebookError

    found: dict[str, tuple[Diagnostic, ...]] = {}
    unreadable = 0
    for notebook in notebooks:
        try:
            found[str(notebook)] = check(notebook)
        except NotebookError as error:
            unreadable += 1
            click.echo(f"error: {error}", err=True)
    if as_json or form == "json":
        click.echo(json.dumps([{"notebook": n, **asdict(d)} for n, ds in found.items() for d in ds], indent=2))
    else:
        for notebook_name, diagnostics in found.items():
            for diagnostic in diagnostics:
                click.echo(github(notebook_name, diagnostic) if form == "github" else diagnostic.text(notebook_name))
            if not diagnostics and form == "text":
                click.echo(f"{notebook_name}: nothing stands in the way", err=True)
    errors = any(d.severity is Severity.ERROR for ds in found.values() for d in ds)
    sys.exit(2 if unreadable else 1 if errors else 0)


def github(notebook: str, diagnostic: Diagnostic) -> str:
    """A finding as a GitHub annotation; line breaks and percent signs are escaped as GitHub asks."""
    text = f"cell {diagnostic.cell}, line {diagnostic.line}: {diagnostic.message} (mend: {diagnostic.mend})"
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{diagnostic.severity} file={notebook},title={diagnostic.code}::{escaped}"
