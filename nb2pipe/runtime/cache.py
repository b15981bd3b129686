"""Results of stages that later runs may use again, found by what they depend on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.files import digest_of
from nb2pipe.runtime.filestate import Digests
from nb2pipe.runtime.ingredients import differences
from nb2pipe.runtime.reads import still_so
from nb2pipe.runtime.record import FileRead, StageRecord, StageResult
from nb2pipe.runtime.record_json import from_json, to_json
from nb2pipe.runtime.store import Store

FOLDER = "cache"
LAST = "last"


@dataclass(frozen=True)
class Hit:
    """A result that holds."""

    result: StageResult


@dataclass(frozen=True)
class Miss:
    """Why there is none."""

    reason: str


def look_up(store: Store, key: str, workspace: Path, digests: Digests) -> Hit | Miss:
    """The result kept under ``key`` whose files are still as the stage saw them."""
    changed: FileRead | None = None
    for name in reversed(store.entries(_folder(key))):
        result = read(store, name)
        if result is None or not complete(store, result):
            continue
        changed = still_so(result.reads, workspace, digests)
        if changed is None:
            return Hit(result)
    return Miss(_in_words(changed)) if changed is not None else Miss("")


def keep(store: Store, result: StageResult, path: Path) -> None:
    """Keep a result, which lies in ``path``, for later runs."""
    store.keep_entry(entry_name(result), path)


def entry_name(result: StageResult) -> str:
    """The name of a result in the store: what it depends on besides files, then what it saw of files."""
    seen = digest_of([to_json(list(result.reads)).encode()])[0]
    return f"{_folder(result.key)}/{seen[:16]}.json"


def reused(result: StageResult, cells: tuple[int, ...]) -> StageRecord:
    """The stage's part of the record of a run that uses its result again."""
    return replace(
        result.record,
        started=datetime.now(UTC).isoformat(),
        seconds=0.0,
        cpu_seconds=0.0,
        peak_memory=None,
        cached_from=result.run_id,
        reason=f"nothing that it depends on has changed since run {result.run_id}",
        cells=cells,
    )


def remember(store: Store, pipeline: str, ingredients: Mapping[str, Mapping[str, str]]) -> None:
    """Remember what the stages of a pipeline depended on this time, to tell next time what has changed."""
    store.write_entry(f"{LAST}/{pipeline}.json", to_json(ingredients).encode())


def remembered(store: Store, pipeline: str) -> dict[str, dict[str, str]]:
    """What :func:`remember` kept; nothing when that cannot be read."""
    data = store.read_entry(f"{LAST}/{pipeline}.json")
    try:
        return {} if data is None else from_json(dict[str, dict[str, str]], data.decode())
    except (ValueError, TypeError, AttributeError):
        return {}


def why(miss: Miss, before: Mapping[str, str] | None, now: Mapping[str, str]) -> str:
    """Why a stage runs, in words."""
    if miss.reason:
        return miss.reason
    if before is None:
        return "it has not been run before"
    changed = differences(before, now)
    return "; ".join(changed) if changed else "its result is not in the store any more"


def _folder(key: str) -> str:
    return f"{FOLDER}/{key[:2]}/{key}"


def read(store: Store, name: str) -> StageResult | None:
    """The result of that name, if there is one that can be read."""
    data = store.read_entry(name)
    try:
        return None if data is None else from_json(StageResult, data.decode())
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # cut short or tampered with: as if it were not there


def complete(store: Store, result: StageResult) -> bool:
    """Whether the store still has everything that belongs to a result."""
    try:
        sizes = {artifact.digest: artifact.size for artifact in result.record.outputs}
        return all(store.has(digest, sizes.get(digest)) for digest in _digests(result))
    except RunError:
        raise
    except Exception:
        return False


def files_of(store: Store, result: StageResult) -> list[Path]:
    """The objects that belong to a result."""
    return [store.path(digest) for digest in _digests(result)]


def _digests(result: StageResult) -> Iterator[str]:
    record = result.record
    yield from (artifact.digest for artifact in record.outputs)
    yield from ([record.random_state] if record.random_state is not None else ())
    yield from (change.digest for change in result.changes if change.digest is not None)
    yield from result.files.values()


def _in_words(read: FileRead) -> str:
    match read.kind:
        case "variable":
            return f"the environment variable {read.path} changed"
        case "folder" | "tree":
            return f"the folder {read.path} changed"
        case "missing":
            return f"the file {read.path} is there now"
        case "written":
            return f"the file {read.path}, which it writes, changed"
        case _:
            return f"the file {read.path} changed"
