"""``nb2pipe runs``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nb2pipe.cli.options import json_option, output_option, plainly, print_json, print_table
from nb2pipe.runtime import words
from nb2pipe.runtime.history import Run, differences, find_run, runs_in
from nb2pipe.runtime.progress import failure_lines, gate_lines, result_lines
from nb2pipe.runtime.record import RunRecord, StageRecord

SHOWN_METRICS = 3


@click.group("runs", invoke_without_command=True, epilog="Example: nb2pipe runs diff latest @2")
@click.pass_context
def command(context: click.Context) -> None:
    """See what has been run: list, show, diff, report. A RUN is an id, its beginning, `latest`, or `@2`."""
    if context.invoked_subcommand is None:
        context.invoke(list_runs)


@command.command("list", epilog="Example: nb2pipe runs list --limit 5")
@output_option
@click.option("--pipeline", metavar="NAME", help="Only runs of this pipeline.")
@click.option("--limit", type=int, default=20, show_default=True, help="At most so many, the newest.")
@json_option
@plainly
def list_runs(output: Path, pipeline: str | None, limit: int, as_json: bool) -> None:
    """List runs, newest first."""
    runs = [run for run in runs_in(output) if run.record is None or pipeline in (None, run.record.pipeline)][:limit]
    if as_json:
        print_json(
            [run.record if run.record is not None else {"run": run.folder.name, "problem": run.problem} for run in runs]
        )
        return
    header = ("run", "pipeline", "status", "started", "time", "stages", "metrics", "model")
    print_table(header, [_row(run) for run in runs])


@command.command("show", epilog="Example: nb2pipe runs show latest")
@click.argument("run")
@output_option
@json_option
@plainly
def show_run(run: str, output: Path, as_json: bool) -> None:
    """Show one run: config, data, stages, gates, metrics, and why each stage ran."""
    found = find_run(output, run)
    assert found.record is not None
    if as_json:
        print_json(found.record)
        return
    _show(found.record, found.folder)


@command.command("diff", epilog="Example: nb2pipe runs diff latest @2")
@click.argument("one")
@click.argument("other")
@output_option
@json_option
@plainly
def diff_runs(one: str, other: str, output: Path, as_json: bool) -> None:
    """Say what differs between two runs: config, data, code, versions, artifacts, metrics, gates."""
    first, second = find_run(output, one).record, find_run(output, other).record
    assert first is not None
    assert second is not None
    found = differences(first, second)
    if as_json:
        print_json({"one": first.run_id, "other": second.run_id, "differences": found})
        return
    if not found:
        click.echo(f"{first.run_id} and {second.run_id} do not differ")
    for subject, values in found.items():
        click.echo(subject)
        print_table(("  ", first.run_id, second.run_id), [(f"  {name}", *_both(pair)) for name, pair in values.items()])


@command.command("report", epilog="Example: nb2pipe runs report latest --open")
@click.argument("run")
@output_option
@click.option("--open", "opens", is_flag=True, help="Open it in the browser.")
@plainly
def report_run(run: str, output: Path, opens: bool) -> None:
    """Write a run's report again and say where it is."""
    from nb2pipe.runtime.files import write_text
    from nb2pipe.runtime.report import render_report

    found = find_run(output, run)
    assert found.record is not None
    path = found.folder / "report.html"
    write_text(path, render_report(found.record, found.folder))
    click.echo(str(path))
    if opens:
        click.launch(path.resolve().as_uri())


def _row(run: Run) -> tuple[str, ...]:
    record = run.record
    if record is None:
        return (run.folder.name, "", "damaged", "", "", "", "", "")
    done = sum(stage.status == "done" for stage in record.stages)
    cached = sum(stage.cached_from is not None for stage in record.stages)
    return (
        run.folder.name,
        record.pipeline,
        str(record.status),
        record.started[:16].replace("T", " "),
        words.duration(record.seconds),
        f"{done} of {len(record.stages)}" + (f" ({cached} cached)" if cached else ""),
        ", ".join(f"{name} {value:.4g}" for name, value in list(record.metrics.items())[:SHOWN_METRICS]),
        words.model(record.model) if record.model else "",
    )


def _show(record: RunRecord, folder: Path) -> None:
    click.echo(f"{record.pipeline}: run {record.run_id}, {words.sentence(record)}")
    for line in result_lines(record, folder):
        click.echo(line)
    click.echo("\nconfig")
    print_table(("  key", "value", "from"), [(f"  {key}", _cut(v.value), v.origin) for key, v in record.config.items()])
    if record.data:
        click.echo("\ndata")
        files = [(f"  {data.path}", words.size(data.size), data.digest[:12]) for data in record.data]
        print_table(("  file", "size", "digest"), files)
    click.echo("\nstages")
    print_table(("  stage", "status", "time", "memory", "because"), [_stage_row(stage) for stage in record.stages])
    for stage in record.stages:
        for line in failure_lines(stage.failure) if stage.failure is not None else ():
            click.echo(line)
    click.echo("\nartifacts")
    outputs = [output for stage in record.stages for output in stage.outputs]
    print_table(
        ("  name", "what", "size", "format"),
        [(f"  {o.name}", o.summary, words.size(o.size), o.format) for o in outputs],
    )
    for gate in record.gates:
        click.echo(f"\ngate {gate.name}  {words.decision(gate)}: {gate.message}")
        for line in gate_lines(gate) if not gate.passed else ():
            click.echo(line)
    if record.metrics:
        click.echo("\nmetrics")
        print_table(("  name", "value"), [(f"  {name}", repr(value)) for name, value in record.metrics.items()])


def _stage_row(stage: StageRecord) -> tuple[str, ...]:
    status = "cached" if stage.cached_from else str(stage.status)
    return (f"  {stage.name}", status, words.duration(stage.seconds), words.size(stage.peak_memory), stage.reason)


def _both(pair: list[Any]) -> tuple[str, str]:
    return _cut(pair[0]), _cut(pair[1])


def _cut(value: Any, most: int = 60) -> str:
    text = "-" if value is None else value if isinstance(value, str) else repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"
