"""Earlier runs: what ``--from``, ``--only`` and ``step`` take the finished stages from."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from nb2pipe.runtime import journal
from nb2pipe.runtime.definition import Pipeline
from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.job import result_path
from nb2pipe.runtime.record import RunRecord, StageResult, Status
from nb2pipe.runtime.record_json import read_record, write_record


def results_of(run_dir: Path, stages: Collection[str]) -> dict[str, StageResult]:
    """What those of ``stages`` that are done in a run left behind."""
    found = {}
    for name in stages:
        try:
            result = read_record(StageResult, result_path(run_dir, name))
        except FileNotFoundError:
            continue
        if result.record.status == Status.DONE:
            found[name] = result
    return found


def latest_run(output: Path, pipeline: Pipeline, needed: Collection[str], asked_by: str) -> Path:
    """The folder of the latest finished run of this pipeline in which all of ``needed`` are done."""
    runs = sorted(_finished(output, pipeline), key=lambda found: found[1].started, reverse=True)
    for run_dir, _ in runs:
        if len(results_of(run_dir, needed)) == len(needed):
            return run_dir
    seen = f"none of the {len(runs)} runs there has them" if runs else "there is no finished run"
    raise RunError(
        f"{asked_by} needs what {', '.join(in_order(pipeline, needed))} made, and in {output} {seen}: "
        "run the whole pipeline first, or name a run with --run-id"
    )


def copy_results(source: Path, target: Path, stages: Collection[str]) -> None:
    """Take over what stages of another run left: their results, figures and logs (artifacts are in the store)."""
    for name, result in results_of(source, stages).items():
        logs = [result.record.log] if result.record.log else []
        for path in [*(figure.path for figure in result.record.figures), *logs]:
            if (source / path).is_file():
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / path, target / path)
        write_record(result_path(target, name), result)


def forget_results(run_dir: Path, stages: Collection[str]) -> None:
    """Remove what ``stages`` left in a run, because they, or what they build on, run again."""
    for name in stages:
        result_path(run_dir, name).unlink(missing_ok=True)


def in_order(pipeline: Pipeline, names: Collection[str]) -> list[str]:
    """``names`` in the notebook's order."""
    return [stage.name for stage in pipeline.stages if stage.name in names]


def _finished(output: Path, pipeline: Pipeline) -> Iterator[tuple[Path, RunRecord]]:
    if not output.is_dir():
        return
    for run_dir in output.iterdir():
        if run_dir.name.startswith(".") or not run_dir.is_dir():
            continue
        try:
            record = journal.load(run_dir)
        except RunError:
            continue
        if record is not None and record.pipeline == pipeline.name and record.status != Status.RUNNING:
            yield run_dir, record
