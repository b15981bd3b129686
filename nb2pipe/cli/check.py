"""``nb2pipe check``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nb2pipe import __version__
from nb2pipe.diagnostics import Diagnostic, Severity
from nb2pipe.diagnostics.formats import Finding, as_json, github, sarif

FORMATS = ("text", "json", "sarif", "github")


@click.command("check", epilog="Example: nb2pipe check notebooks/flight_delays.ipynb", short_help="Diagnose notebooks.")
@click.argument("notebooks", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="NOTEBOOK...")
@click.option("--json", "as_json_", is_flag=True, help="The same as --format json.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="For people, for scripts, for code scanning, or as annotations of GitHub Actions; on stdout.",
)
def command(notebooks: tuple[Path, ...], as_json_: bool, form: str) -> None:
    """Say what stands between a notebook and its pipeline: cell, line, and the mend. Nothing is executed.

    Exit codes: 0 clean or warnings only, 1 errors, 2 a notebook cannot be read.
    """
    from nb2pipe.convert import check
    from nb2pipe.notebook import NotebookError

    found: dict[Path, tuple[Diagnostic, ...]] = {}
    unreadable = 0
    for notebook in notebooks:
        try:
            found[notebook] = check(notebook)
        except NotebookError as error:
            unreadable += 1
            click.echo(f"error: {error}", err=True)
    findings = [f for notebook, diagnostics in found.items() for f in _located(notebook, diagnostics)]
    if as_json_ or form == "json":
        click.echo(as_json(findings))
    elif form == "sarif":
        click.echo(sarif(findings, __version__))
    else:
        for finding in findings:
            click.echo(github(finding) if form == "github" else finding.diagnostic.text(finding.notebook))
    for notebook, diagnostics in found.items():
        if not diagnostics and form == "text" and not as_json_:
            click.echo(f"{notebook}: nothing stands in the way", err=True)
    errors = any(finding.diagnostic.severity is Severity.ERROR for finding in findings)
    sys.exit(2 if unreadable else 1 if errors else 0)


def _located(notebook: Path, diagnostics: tuple[Diagnostic, ...]) -> list[Finding]:
    """Diagnostics with the lines of the file that they speak of."""
    from nb2pipe.notebook import read_notebook
    from nb2pipe.notebook.lines import file_lines

    if not diagnostics:
        return []
    text = notebook.read_bytes().decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    line_of = file_lines(text, notebook.suffix, len(read_notebook(notebook).cells))
    return [Finding(str(notebook), line_of(d.cell, d.line), d) for d in diagnostics]
