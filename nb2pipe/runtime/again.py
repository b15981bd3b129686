"""The same run once more: when nothing that a run depends on has changed, its package need not be imported.

A run that is done leaves a memo: what it was asked, the digests of all source and config files, the installed
libraries, and where the results of its stages are kept. As long as all of it is still so, the next run takes every
result from there; else it goes the usual way, and nothing is lost but a few milliseconds.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import nb2pipe
from nb2pipe.runtime import cache, journal, workspace
from nb2pipe.runtime.config import DATA_ROOT, Config
from nb2pipe.runtime.errors import RunError, StorageError
from nb2pipe.runtime.files import digest_of, held, write_atomically
from nb2pipe.runtime.filestate import load_digests
from nb2pipe.runtime.finish import write_report
from nb2pipe.runtime.job import result_path
from nb2pipe.runtime.lineage import git_state
from nb2pipe.runtime.options import RunOptions, check_options, new_run_id
from nb2pipe.runtime.package import package_in
from nb2pipe.runtime.prepare import DIGESTS, STORE, Prepared, lock_of
from nb2pipe.runtime.progress import Reporter
from nb2pipe.runtime.reads import still_so
from nb2pipe.runtime.record import RunRecord, StageRecord, StageResult, Status
from nb2pipe.runtime.record_json import from_json, to_json, write_record
from nb2pipe.runtime.store import Store

FOLDER = "again"


@dataclass(frozen=True)
class Memo:
    """What a run that is done leaves for the next.

    Attributes:
        record: the run's record.
        files: source and config files -> digest.
        folders: folders of modules -> digest of the modules' names.
        data_files: config keys of the data files.
        entries: stage -> the name of its result in the store.
    """

    record: RunRecord
    files: dict[str, str]
    folders: dict[str, str]
    data_files: tuple[str, ...]
    entries: dict[str, str]


def leave_memo(prepared: Prepared, record: RunRecord, results: Mapping[str, StageResult]) -> None:
    """Write the memo of a run in which every stage is done and every result may be used again."""
    options = prepared.options
    if record.status != Status.DONE or not all(result.key for result in results.values()):
        return
    if len(results) != len(record.stages) or options.only or options.from_stage:
        return
    package = prepared.package
    sources = [*prepared.definition.code.sources, *map(str, package.module_folder.rglob("*.py"))]
    configs = [*map(str, package.config.glob("*.yaml")), *([str(options.config)] if options.config else [])]
    paths = {path for name in [*sources, *configs, str(package.lock)] for path in _files_of(name)}
    folders = {str(Path(path).parent) for path in paths} | {str(package.config)}
    memo = Memo(
        record,
        {path: _digest_of(path) for path in sorted(paths)},
        {folder: _names_in(folder) for folder in sorted(folders)},
        prepared.pipeline.data_files,
        {name: cache.entry_name(result) for name, result in results.items()},
    )
    name = _memo_name(package.module_folder, options)
    prepared.store.write_entry(name, to_json(memo).encode())


def run_again(module_folder: Path, options: RunOptions, reporter: Reporter) -> RunRecord | None:
    """The record of a run whose stages are all taken from the store; ``None`` when one of them must run."""
    if options.fresh or options.only or options.from_stage or options.isolation == "spawn":
        return None
    check_options(options)
    output = options.output.resolve()
    store = Store(output / STORE, options.store)
    memo = _memo(store, _memo_name(module_folder, options))
    run_dir = output / (options.run_id or new_run_id())
    if memo is None or run_dir.exists() or not _holds(memo):
        return None
    if options.why not in (None, *(stage.name for stage in memo.record.stages)):
        return None
    results = {name: cache.read(store, entry) for name, entry in memo.entries.items()}
    found = {name: result for name, result in results.items() if result is not None and cache.complete(store, result)}
    if len(found) != len(memo.record.stages):
        return None
    try:
        with held(lock_of(store, run_dir.name)):
            run_dir.mkdir(parents=True)
            record = _taken_over(memo, found, module_folder, options, run_dir, store)
            if record is not None:
                _report(record, run_dir, reporter)
                return record
    except (RunError, StorageError, OSError):
        pass  # the usual way says what is wrong
    shutil.rmtree(run_dir, ignore_errors=True)
    return None


def _taken_over(
    memo: Memo,
    results: Mapping[str, StageResult],
    module_folder: Path,
    options: RunOptions,
    run_dir: Path,
    store: Store,
) -> RunRecord | None:
    begun = journal.now()
    package = package_in(module_folder.name, module_folder)
    root = memo.record.config.get(DATA_ROOT)
    config = Config(memo.record.config, {}, {}, None if root is None else root.value, memo.record.environment)
    digests = load_digests(store.folder / DIGESTS)
    data = workspace.make_workspace(run_dir, memo.data_files, package, config, options.data, digests)[1]
    if data != memo.record.data:
        return None
    stages: list[StageRecord] = []
    for stage in memo.record.stages:
        result = results[stage.name]
        if still_so(result.reads, run_dir / "workspace", digests) is not None:
            return None
        stages.append(_stage(result, stage))
        for path, digest in result.files.items():
            write_atomically(run_dir / path, [store.get(digest)], durable=False)
        workspace.replay(store, run_dir / "workspace", result.changes)
        write_record(result_path(run_dir, stage.name), replace(result, record=stages[-1]), durable=False)
    commit, dirty = git_state(package.folder)
    return replace(
        memo.record,
        run_id=run_dir.name,
        trigger=options.trigger,
        experiment_id=options.experiment_id,
        started=begun,
        seconds=journal.seconds_since(begun),
        command=tuple(sys.argv),
        commit=commit,
        dirty=dirty,
        stages=tuple(stages),
    )


def _stage(result: StageResult, before: StageRecord) -> StageRecord:
    return cache.reused(result, before.cells)


def _report(record: RunRecord, run_dir: Path, reporter: Reporter) -> None:
    reporter.run_started(record)
    for stage in record.stages:
        reporter.stage_ended(stage)
        for gate in (gate for gate in record.gates if gate.stage == stage.name):
            reporter.gate_decided(gate)
    journal.save(record, run_dir)
    write_report(record, run_dir)
    reporter.run_ended(record, run_dir)


def _memo(store: Store, name: str) -> Memo | None:
    data = store.read_entry(name)
    try:
        return None if data is None else from_json(Memo, data.decode())
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _memo_name(module_folder: Path, options: RunOptions) -> str:
    """One memo for each way to ask for the run, in each environment."""
    prefix = f"{module_folder.name}__".upper()
    variables = [f"{name}={value}" for name, value in os.environ.items() if name.upper().startswith(prefix)]
    asked = [
        str(module_folder.resolve()),
        str(options.config and options.config.resolve()),
        str(options.env or os.environ.get("APP_ENV")),
        str(options.data and options.data.resolve()),
        str(os.environ.get("MLFLOW_TRACKING_URI")),
        str(options.tracking),
        *options.overrides,
        *sorted(variables),
        nb2pipe.__version__,
        platform.python_version(),
        _installed(),
    ]
    return f"{FOLDER}/{digest_of([line.encode(errors='surrogateescape') + bytes(1) for line in asked])[0]}.json"


def _installed() -> str:
    """A digest of what is installed: the names of all distributions carry their versions."""
    found: set[str] = set()
    for entry in sys.path:
        try:
            names = os.listdir(entry or ".")
        except OSError:
            continue
        found.update(name for name in names if name.endswith((".dist-info", ".egg-info")))
    return digest_of([name.encode(errors="surrogateescape") + b"\n" for name in sorted(found)])[0]


def _holds(memo: Memo) -> bool:
    uri = memo.record.tracking_uri or ""
    database = uri.removeprefix("sqlite:///")
    return (
        (database == uri or Path(database).is_file())
        and all(_digest_of(path) == digest for path, digest in memo.files.items())
        and all(_names_in(folder) == names for folder, names in memo.folders.items())
    )


def _files_of(path: str) -> Iterable[str]:
    if Path(path).is_dir():
        return (str(inner) for inner in Path(path).glob("*.yaml"))
    return (path,)


def _digest_of(path: str) -> str:
    try:
        return digest_of([Path(path).read_bytes()])[0]
    except OSError:
        return ""


def _names_in(folder: str) -> str:
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith((".py", ".yaml", ".so", ".pyd")))
    except OSError:
        names = []
    return digest_of([name.encode(errors="surrogateescape") + b"\n" for name in names])[0]
