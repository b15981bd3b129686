"""``nb2pipe store``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nb2pipe.cli.options import json_option, output_option, plainly, print_json
from nb2pipe.runtime import words
from nb2pipe.runtime.prepare import STORE
from nb2pipe.runtime.store import Store
from nb2pipe.runtime.store_care import collect, usage, verify


@click.group("store", epilog="Example: nb2pipe store gc --older-than 30")
def command() -> None:
    """Care for the store that holds what stages made."""


@command.command("du", epilog="Example: nb2pipe store du")
@output_option
@json_option
@plainly
def show_usage(output: Path, as_json: bool) -> None:
    """Say how much the store holds, and how much of it no run needs."""
    found = usage(Store(output / STORE), output)
    if as_json:
        print_json(found)
        return
    click.echo(f"objects          {found.objects} ({words.size(found.bytes)})")
    click.echo(f"of no run        {found.unused} ({words.size(found.unused_bytes)})")
    click.echo(f"kept results     {found.entries}")
    click.echo(f"temporary files  {found.temporary}")


@command.command("verify", epilog="Example: nb2pipe store verify")
@output_option
@click.option("--repair", is_flag=True, help="Remove what is broken, so that it is made again.")
@json_option
@plainly
def verify_store(output: Path, repair: bool, as_json: bool) -> None:
    """Check every object against its digest, and every kept result. Exit code 1 when something is wrong."""
    problems = verify(Store(output / STORE), repair=repair)
    if as_json:
        print_json({"problems": problems})
    else:
        for problem in problems:
            click.echo(problem)
        if not problems:
            click.echo("all objects are what was stored")
        elif not repair:
            click.echo("mend: nb2pipe store verify --repair removes them; the next run makes them again")
    sys.exit(1 if problems and not repair else 0)


@command.command("gc", epilog="Example: nb2pipe store gc --older-than 7 --dry-run")
@output_option
@click.option("--older-than", "days", type=float, default=30.0, show_default=True, help="Days that results are kept.")
@click.option("--all", "everything", is_flag=True, help="Also what is younger; only when no run is going on.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_option
@plainly
def collect_garbage(output: Path, days: float, everything: bool, dry_run: bool, as_json: bool) -> None:
    """Remove what no run refers to and no later run is likely to use again."""
    freed = collect(Store(output / STORE), output, 0.0 if everything else days, everything=everything, dry_run=dry_run)
    if as_json:
        print_json(freed)
        return
    verb = "would free" if dry_run else "freed"
    click.echo(f"{verb} {words.size(freed.bytes)}: {freed.objects} objects, {freed.entries} kept results")
    click.echo(f"{freed.temporary} temporary files of writers that are gone")
