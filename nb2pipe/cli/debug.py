"""``nb2pipe debug``."""

from __future__ import annotations

from pathlib import Path

import click

from nb2pipe.cli.options import output_option, plainly


@click.command("debug", epilog="Example: nb2pipe debug latest train")
@click.argument("run")
@click.argument("stage")
@output_option
@click.option("--package", type=click.Path(path_type=Path), help="The package; where the run found it otherwise.")
@click.option("--ipython", is_flag=True, help="Use IPython's debugger and prompt.")
@plainly
def command(run: str, stage: str, output: Path, package: Path | None, ipython: bool) -> None:
    """Run a STAGE of an earlier RUN again, with the inputs that it had, and open a debugger where it fails.

    It works on a copy of the run's files; neither the run nor the store is changed.
    """
    from nb2pipe.runtime.debugging import debug

    debug(output, run, stage, package, ipython=ipython)
