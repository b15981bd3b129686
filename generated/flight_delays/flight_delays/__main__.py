"""Which flights will arrive late?"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from flight_delays.pipeline import PIPELINE, RunOptions, run, step


def parser() -> argparse.ArgumentParser:
    """The command line: `run` for the whole pipeline, `step STAGE` for one stage of it."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--config", type=Path, help="a YAML file on top of config/, or a folder in its place"
    )
    options.add_argument("--env", help="environment whose config applies; APP_ENV otherwise")
    options.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help="override one parameter; repeatable",
    )
    options.add_argument(
        "--data", type=Path, help="folder (or file) that stands in for the notebook's data"
    )
    options.add_argument(
        "--output", type=Path, default=Path("runs"), help="folder of runs (default: runs)"
    )
    options.add_argument("--run-id", help="name of the run; made from the time otherwise")
    options.add_argument("--experiment-id", help="ties runs together")
    options.add_argument(
        "--trigger", default="manual", help="who or what started the run (default: manual)"
    )
    options.add_argument(
        "--json", action="store_true", help="print the run's record as JSON at the end"
    )

    top = argparse.ArgumentParser(
        prog="python -m flight_delays",
        description="Runs the pipeline flight_delays, or one stage of it.",
        epilog="example: python -m flight_delays run --env staging --output runs",
    )
    commands = top.add_subparsers(dest="command", required=True)
    whole = commands.add_parser("run", parents=[options], help="run the pipeline, with its gates")
    whole.add_argument(
        "--jobs", type=int, default=1, help="how many stages may run at a time (default: 1)"
    )
    whole.add_argument(
        "--from", dest="from_stage", metavar="STAGE", help="run this stage and what follows it"
    )
    whole.add_argument("--only", metavar="STAGE", help="run this stage alone")
    whole.add_argument(
        "--fresh", action="store_true", help="run every stage, whatever earlier runs have left"
    )
    one = commands.add_parser("step", parents=[options], help="run one stage in this process")
    one.add_argument("stage", choices=[stage.name for stage in PIPELINE.stages])
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 a stage failed, 2 bad usage or config, 3 a gate said no."""
    given = vars(parser().parse_args(argv))
    command, stage = given.pop("command"), given.pop("stage", None)
    options = RunOptions(**{**given, "overrides": tuple(given["overrides"])})
    return run(PIPELINE, options) if command == "run" else step(PIPELINE, stage, options)


if __name__ == "__main__":
    sys.exit(main())
