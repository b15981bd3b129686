"""The command line of the package."""

import argparse
import sys
from pathlib import Path

from handmade.pipeline import PIPELINE
from nb2pipe.runtime import RunOptions, run, step


def main() -> int:
    """Parse the words, call the runtime."""
    parser = argparse.ArgumentParser(prog="python -m handmade")
    parser.add_argument("command", choices=("run", "step"))
    parser.add_argument("stage", nargs="?")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--env")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--output", type=Path, default=Path("runs"))
    parser.add_argument("--run-id")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--from", dest="from_stage")
    parser.add_argument("--only")
    words = parser.parse_args()
    options = RunOptions(
        config=words.config,
        env=words.env,
        overrides=tuple(words.overrides),
        data=words.data,
        output=words.output,
        run_id=words.run_id,
        jobs=words.jobs,
        from_stage=words.from_stage,
        only=words.only,
    )
    return step(PIPELINE, words.stage, options) if words.command == "step" else run(PIPELINE, options)


if __name__ == "__main__":
    sys.exit(main())
