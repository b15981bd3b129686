"""``nb2pipe artifacts``."""

from __future__ import annotations

from pathlib import Path

import click

from nb2pipe.cli.options import json_option, output_option, plainly, print_json, print_table
from nb2pipe.runtime import words
from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.history import find_run
from nb2pipe.runtime.record import ArtifactRecord, RunRecord


@click.group("artifacts", epilog="Example: nb2pipe artifacts show latest transform.train_table")
def command() -> None:
    """See what crossed between stages."""


@command.command("list", epilog="Example: nb2pipe artifacts list latest")
@click.argument("run")
@output_option
@json_option
@plainly
def list_artifacts(run: str, output: Path, as_json: bool) -> None:
    """List the artifacts of a run."""
    record = _record(output, run)
    found = [artifact for stage in record.stages for artifact in stage.outputs]
    if as_json:
        print_json(found)
        return
    rows = [
        (each.name, each.type, each.summary, words.size(each.size), each.format, each.digest[:12]) for each in found
    ]
    print_table(("artifact", "type", "what", "size", "format", "digest"), rows)


@command.command("show", epilog="Example: nb2pipe artifacts show latest transform.train_table --rows 10")
@click.argument("run")
@click.argument("artifact", metavar="STAGE.NAME")
@output_option
@click.option("--rows", type=int, default=5, show_default=True, help="How many rows of a table to show.")
@click.option("--package", type=click.Path(path_type=Path), help="The package, when the value is made of its classes.")
@json_option
@plainly
def show_artifact(run: str, artifact: str, output: Path, rows: int, package: Path | None, as_json: bool) -> None:
    """Show one artifact: what it is, and a look at its value."""
    record = _record(output, run)
    found = _artifact(record, artifact)
    if as_json:
        print_json(found)
        return
    for label, text in (
        ("artifact", found.name),
        ("type", found.type),
        ("what", found.summary),
        ("format", found.format),
        ("size", words.size(found.size)),
        ("digest", found.digest),
        ("together", ", ".join(found.graph)),
    ):
        if text:
            click.echo(f"{label:<9} {text}")
    click.echo("")
    click.echo(_look(_value(found, output, package), rows))


def _record(output: Path, run: str) -> RunRecord:
    record = find_run(output, run).record
    assert record is not None
    return record


def _artifact(record: RunRecord, name: str) -> ArtifactRecord:
    found = {artifact.name: artifact for stage in record.stages for artifact in stage.outputs}
    if name not in found:
        raise RunError(f"run {record.run_id} has no artifact {name}; it has: {', '.join(found) or 'none'}")
    return found[name]


def _value(artifact: ArtifactRecord, output: Path, package: Path | None) -> object:
    from nb2pipe.runtime.artifacts import load_artifacts
    from nb2pipe.runtime.errors import StorageError
    from nb2pipe.runtime.package import find_package
    from nb2pipe.runtime.prepare import STORE
    from nb2pipe.runtime.store import Store

    if package is not None:
        find_package(package)
    try:
        return load_artifacts(Store(output / STORE), [artifact])[artifact.name]
    except StorageError as error:
        hint = "" if package is not None else "; name the package that it comes from with --package"
        raise StorageError(f"{error}{hint}" if "No module" in str(error) else str(error)) from error


def _look(value: object, rows: int) -> str:
    import reprlib

    if hasattr(value, "head") and hasattr(value, "dtypes") and hasattr(value, "to_string"):
        return str(value.head(rows).to_string(max_colwidth=40))
    short = reprlib.Repr()
    short.maxdict = short.maxlist = short.maxtuple = short.maxset = 20
    short.maxstring, short.maxother = 400, 2000
    return short.repr(value)
