"""``nb2pipe run``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nb2pipe.runtime.options import RunOptions
from nb2pipe.runtime.runner import run_package


@click.command("run", epilog="Example: nb2pipe run generated/flight_delays --output runs --set train.seed=7")
@click.argument("package", type=click.Path(path_type=Path))
@click.option("--env", metavar="NAME", help="Environment whose config layer applies; APP_ENV otherwise.")
@click.option("--config", type=click.Path(path_type=Path), help="A further YAML file, or a folder in place of config/.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one parameter. Repeatable.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Stands in for the notebook's folder, or its data folder."
)
@click.option(
    "--output", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Folder of runs."
)
@click.option("--run-id", metavar="ID", help="Name of the run; made from the time otherwise.")
@click.option("--experiment-id", metavar="ID", help="Ties runs together.")
@click.option("--trigger", default="manual", show_default=True, help="Who or what started the run.")
@click.option("--jobs", type=int, default=1, show_default=True, help="How many stages may run at a time.")
@click.option("--from", "from_stage", metavar="STAGE", help="Run this stage and what follows it.")
@click.option("--only", metavar="STAGE", help="Run this stage alone.")
@click.option("--fresh", is_flag=True, help="Use no result of earlier runs again.")
@click.option("--tracking/--no-tracking", default=True, help="Log the run to MLflow and register its model, or do not.")
@click.option("--why", metavar="STAGE", help="Say at the end why this stage ran, or why it did not have to.")
@click.option(
    "--isolation",
    type=click.Choice(["fork", "spawn"]),
    help="Where a stage's process comes from: a copy of one that has imported the package, or a fresh interpreter.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the run's record as JSON on stdout.")
def command(
    package: Path,
    env: str | None,
    config: Path | None,
    overrides: tuple[str, ...],
    data: Path | None,
    output: Path,
    run_id: str | None,
    experiment_id: str | None,
    trigger: str,
    jobs: int,
    from_stage: str | None,
    only: str | None,
    fresh: bool,
    as_json: bool,
    isolation: str | None,
    why: str | None,
    tracking: bool,
) -> None:
    """Run PACKAGE: its stages in processes of their own, its gates, MLflow tracking and the registry.

    Exit codes: 0 done, 1 a stage failed, 2 bad usage or config, 3 a gate said no.
    """
    options = RunOptions(
        config=config,
        env=env,
        overrides=overrides,
        data=data,
        output=output,
        run_id=run_id,
        experiment_id=experiment_id,
        trigger=trigger,
        jobs=jobs,
        from_stage=from_stage,
        only=only,
        fresh=fresh,
        json=as_json,
        isolation=isolation,
        why=why,
        tracking=tracking,
    )
    sys.exit(run_package(package, options))
