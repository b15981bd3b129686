"""The group of commands. Each is imported when it is called, so that ``--help`` answers at once."""

from __future__ import annotations

from importlib import import_module

import click

from nb2pipe import __version__

#: Command → the module that holds it, and its one line in ``nb2pipe --help``.
COMMANDS = {
    "check": ("nb2pipe.cli.check", "Say what stands between a notebook and its pipeline."),
    "explain": ("nb2pipe.cli.explain", "Say what becomes of every cell, what crosses between stages, and why."),
    "convert": ("nb2pipe.cli.convert", "Turn a notebook into a package."),
    "run": ("nb2pipe.cli.run", "Run a package, with its gates."),
    "runs": ("nb2pipe.cli.runs", "See what has been run: list, show, diff, report."),
    "artifacts": ("nb2pipe.cli.artifacts", "See what crossed between stages."),
    "debug": ("nb2pipe.cli.debug", "Open a stage that failed, with its inputs, in a debugger."),
    "store": ("nb2pipe.cli.store", "Care for the store: gc, verify, du."),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: nb2pipe convert notebooks/flight_delays.ipynb && nb2pipe run generated/flight_delays",
)
@click.version_option(__version__, prog_name="nb2pipe")
def main() -> None:
    """Turn a Jupyter notebook that works into a training pipeline that a team can run, review and govern.

    Exit codes: 0 done, 1 a stage failed or the notebook is refused, 2 bad usage, config or notebook, 3 a gate said no.
    """
