"""What makes a stage run again, and what does not: exactly the stages that an edit can change."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nb2pipe.runtime import RunOptions, runner
from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.record import RunRecord, Status
from tests.runtime.running import Heard, NoTracking
from tests.runtime.small import edit, write_small

STAGES = ["read", "clean", "fit", "score"]

Execute = Callable[..., RunRecord]


@pytest.fixture
def execute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Execute:
    """Runs a small package below ``tmp_path``, as the command does."""
    monkeypatch.setattr(runner, "Tracking", NoTracking)
    monkeypatch.delenv("APP_ENV", raising=False)
    write_small(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "package"))

    def run(*overrides: str, **options: object) -> RunRecord:
        chosen = RunOptions(output=tmp_path / "runs", overrides=overrides, **options)  # type: ignore[arg-type]
        return runner.execute_package(tmp_path / "package" / "small", chosen, Heard())

    return run


def ran(record: RunRecord) -> list[str]:
    """The stages that ran, all others being used again."""
    assert record.status == Status.DONE, record.message
    return [stage.name for stage in record.stages if stage.cached_from is None]


def test_nothing_changed(execute: Execute) -> None:
    first, second = execute(), execute()
    assert (ran(first), ran(second)) == (STAGES, [])
    assert second.metrics == first.metrics
    assert {stage.cached_from for stage in second.stages} == {first.run_id}


EDITS = [
    ("package/small/stages/fit.py", "random.seed(seed)", "random.seed(seed)  # again", []),
    ("package/small/stages/fit.py", "    random.seed(seed)\n", "\n    random.seed(\n        seed,\n    )\n", []),
    ("package/small/stages/read.py", "Rows of numbers.", "Numbers in rows.", []),
    ("package/small/helpers.py", "    return 1", "    return 2", []),
    ("package/small/stages/fit.py", "rate * sum", "2 * rate * sum", ["fit", "score"]),
    ("package/small/stages/fit.py", "rate * sum", "sum([rate]) * sum", ["fit"]),
    ("package/small/stages/score.py", "+ count", "- count", ["score"]),
    ("package/small/helpers.py", "FACTOR = 3", "FACTOR = 4", ["clean", "fit", "score"]),
    ("package/small/helpers.py", "cell * factor()", "factor() * cell", ["clean"]),
    ("package/small/helpers.py", "value * self.by", "value + self.by", ["clean", "score"]),
    ("package/beside.py", "2 * cell", "3 * cell", ["clean", "fit", "score"]),
    ("package/beside.py", "2 * cell", "cell * 2", ["clean"]),
    ("package/config/base.yaml", "rate: 0.5", "rate: 0.25", ["fit", "score"]),
    ("package/config/base.yaml", "least: 0.0", "least: -9.0", ["clean", "fit", "score"]),
    ("package/config/base.yaml", "least: 0.0", "least: 0.5", ["clean"]),
    ("work/numbers.csv", "3,4", "3,5", ["read", "clean", "fit", "score"]),
    ("work/numbers.csv", "3,4", "3.0,4.0", ["read"]),
    ("work/numbers.csv", "-5,6\n", "-5,6\n-7,8\n", ["read", "clean", "score"]),
    ("work/other.csv", "1", "2", []),
    ("work/more/a.txt", "a", "b", ["score"]),  # a library may read what lies in a folder that the code names
]


@pytest.mark.parametrize(("file", "old", "new", "again"), EDITS)
def test_an_edit_runs_what_it_can_change(
    execute: Execute, tmp_path: Path, file: str, old: str, new: str, again: list[str]
) -> None:
    execute()
    edit(tmp_path / file, old, new)
    assert ran(execute()) == again


def test_an_edit_within_the_clocks_tick_is_seen(execute: Execute, tmp_path: Path) -> None:
    path = tmp_path / "work" / "numbers.csv"
    execute()
    state = path.stat()
    path.write_text(path.read_text().replace("3,4", "4,3"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert "read" in ran(execute())


def test_a_file_in_a_listed_folder(execute: Execute, tmp_path: Path) -> None:
    execute()
    (tmp_path / "work" / "more" / "b.txt").write_text("b")
    assert ran(execute()) == ["score"]


def test_a_variable_that_the_code_mentions(execute: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    execute()
    monkeypatch.setenv("ANOTHER", "1")
    assert ran(execute()) == []
    monkeypatch.setenv("SMALL_SCALE", "1")
    assert ran(execute()) == ["read"]


def test_an_override_is_a_change_and_back_again_none(execute: Execute) -> None:
    execute()
    assert ran(execute("fit.rate=2.0")) == ["fit", "score"]
    assert ran(execute()) == []
    assert ran(execute("fit.rate=2.0")) == []


def test_fresh_runs_all(execute: Execute) -> None:
    execute()
    assert ran(execute(fresh=True)) == STAGES


def test_files_that_a_stage_wrote_are_there_again(execute: Execute, tmp_path: Path) -> None:
    execute(run_id="one")
    execute("fit.rate=3.0", run_id="two")
    assert (tmp_path / "runs" / "two" / "workspace" / "seen.txt").read_text() == "3"


def test_why_a_stage_ran(execute: Execute, tmp_path: Path) -> None:
    def why(record: RunRecord) -> dict[str, str]:
        return {stage.name: stage.reason for stage in record.stages}

    assert set(why(execute()).values()) == {"it has not been run before"}
    edit(tmp_path / "work" / "numbers.csv", "3,4", "3,5")
    reasons = why(execute("fit.rate=0.75"))
    assert reasons["read"] == "the file numbers.csv changed"
    assert reasons["clean"] == "input rows changed"
    assert reasons["fit"] == "input rows changed; parameter rate changed from 0.5 to 0.75"
    edit(tmp_path / "package" / "small" / "stages" / "score.py", "+ count", "- count")
    record = execute("fit.rate=0.75", run_id="last")
    assert why(record)["score"] == "its code changed"
    assert why(record)["fit"].startswith("nothing that it depends on has changed since run ")


def test_a_failed_run_goes_on_where_it_failed(execute: Execute, tmp_path: Path) -> None:
    fit = tmp_path / "package" / "small" / "stages" / "fit.py"
    edit(fit, "random.seed(seed)", "random.seed(1 / 0)")
    failed = execute(run_id="r")
    assert failed.status == Status.FAILED
    edit(fit, "random.seed(1 / 0)", "random.seed(seed)")
    assert ran(execute(run_id="r")) == ["fit", "score"]
    with pytest.raises(RunError, match="the run r exists already"):
        execute(run_id="r")


def test_what_is_lost_is_made_again(execute: Execute, tmp_path: Path) -> None:
    record = execute()
    digest = next(stage for stage in record.stages if stage.name == "clean").outputs[0].digest
    (tmp_path / "runs" / ".nb2pipe" / "objects" / digest[:2] / digest).unlink()
    again = execute()
    assert ran(again) == ["clean"]
    assert again.metrics == record.metrics


def test_a_cache_cut_short_is_no_cache(execute: Execute, tmp_path: Path) -> None:
    execute()
    for path in (tmp_path / "runs" / ".nb2pipe" / "cache").rglob("*.json"):
        path.write_text(path.read_text()[:100])
    assert ran(execute()) == STAGES


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_both_ways_to_isolate_give_the_same(execute: Execute, isolation: str) -> None:
    assert execute(isolation=isolation).metrics == {"value": 64.0}


def test_a_stage_that_takes_too_long(execute: Execute, tmp_path: Path) -> None:
    edit(tmp_path / "package" / "small" / "stages" / "fit.py", "random.seed(seed)", "import time; time.sleep(60)")
    edit(tmp_path / "package" / "small" / "pipeline.py", 'kind="train",', 'kind="train", timeout=0.2,')
    begun = time.monotonic()
    record = execute()
    failure = next(stage for stage in record.stages if stage.name == "fit").failure
    assert failure is not None
    assert (failure.type, failure.message) == ("StageTimeout", "the stage took longer than its timeout of 0.2 s")
    assert time.monotonic() - begun < 60


def test_an_error_that_passes_is_tried_again(execute: Execute, tmp_path: Path) -> None:
    marker = tmp_path / "tried"
    code = f"import pathlib; p = pathlib.Path({str(marker)!r})\n"
    code += "    if not p.exists(): p.touch(); raise ConnectionError()\n"
    edit(
        tmp_path / "package" / "small" / "stages" / "fit.py",
        "    random.seed(seed)\n",
        f"    {code}    random.seed(seed)\n",
    )
    edit(tmp_path / "package" / "small" / "pipeline.py", 'kind="train",', 'kind="train", retries=1,')
    record = execute()
    assert record.status == Status.DONE
    assert next(stage for stage in record.stages if stage.name == "fit").attempts == 2


def test_a_stage_that_says_so_is_never_used_again(execute: Execute, tmp_path: Path) -> None:
    edit(tmp_path / "package" / "small" / "pipeline.py", 'kind="load_data",', 'kind="load_data", cache=False,')
    execute()
    assert ran(execute()) == ["read"]
