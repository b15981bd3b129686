"""``nb2pipe explain``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.command(
    "explain", epilog="Example: nb2pipe explain notebooks/flight_delays.ipynb --html build/flight_delays.html"
)
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print cells, stages and crossings as JSON on stdout.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write one page, readable offline."
)
@click.option("--mermaid", "as_mermaid", is_flag=True, help="Print the graph of the stages as mermaid text.")
def command(notebook: Path, as_json: bool, html: Path | None, as_mermaid: bool) -> None:
    """Say what becomes of every cell of NOTEBOOK, what crosses between the stages, and why. Nothing is executed.

    What a cell reads, binds and changes in place are its variables; a function's reads count where it is called.
    A notebook that is refused is explained as far as it is known, with the reasons on stderr.

    Exit codes: 0 done, 1 the notebook would be refused, 2 bad usage or notebook.
    """
    from nb2pipe.convert import explained
    from nb2pipe.notebook import NotebookError

    if as_json + as_mermaid + (html is not None) > 1:
        raise click.UsageError("--json, --html and --mermaid exclude each other")
    try:
        explanation = explained(notebook)
        if as_json:
            from nb2pipe.explain.as_json import as_data

            click.echo(json.dumps(as_data(explanation), indent=2))
        elif as_mermaid:
            from nb2pipe.explain.mermaid import mermaid

            click.echo(mermaid(explanation))
        elif html is not None:
            from nb2pipe.explain.page import page, write_page

            try:
                write_page(html, page(explanation))
            except OSError as error:
                raise NotebookError(f"{html}: cannot be written: {error.strerror or error}") from None
            click.echo(str(html))
        else:
            from nb2pipe.explain.table import print_explanation

            print_explanation(explanation)
    except NotebookError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    for finding in explanation.findings:
        click.echo(finding.text(str(notebook)), err=True)
    sys.exit(0 if explanation.converts else 1)
