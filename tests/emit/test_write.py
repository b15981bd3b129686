"""All or nothing, the user's files untouched, nothing left behind: also when the process is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from nb2pipe.emit import write as module
from nb2pipe.emit.lock import lock_text
from nb2pipe.emit.merge import Action
from nb2pipe.emit.write import LOCK, WriteError, WritePlan, plan_write, write
from nb2pipe.pipeline.model import Pipeline

ONE = {"README.md": "# Demo\n", "demo/stages/train.py": "x = 1\ny = 2\nz = 3\n"}
TWO = {"README.md": "# Demo\n", "demo/stages/train.py": "x = 1\ny = 2\nz = 4\n", "demo/new.py": "new = 1\n"}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "generated" / "demo"


@pytest.fixture
def emitted(pipeline: Pipeline) -> dict[str, dict[str, str]]:
    """The files of two conversions, each with its lock."""
    return {name: {**files, LOCK: lock_text(pipeline, files, {})} for name, files in (("one", ONE), ("two", TWO))}


@pytest.fixture
def package(target: Path, emitted: dict[str, dict[str, str]]) -> Path:
    """The package after the first conversion."""
    write(plan_write(emitted["one"], target))
    return target


def on_disk(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


def actions(files: Mapping[str, str], target: Path) -> dict[str, Action]:
    return {change.path: change.action for change in plan_write(files, target).changes}


# What is written


def test_creates_the_package_and_the_folders_above_it(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    assert on_disk(package) == emitted["one"]


def test_planning_writes_nothing(target: Path, emitted: dict[str, dict[str, str]], tmp_path: Path) -> None:
    plan_write(emitted["one"], target)
    assert not any(tmp_path.iterdir())


def test_updates_and_leaves_nothing_beside(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    write(plan_write(emitted["two"], package))
    assert on_disk(package) == emitted["two"]
    assert list(package.parent.iterdir()) == [package]


def test_an_empty_folder_is_a_fine_target(target: Path, emitted: dict[str, dict[str, str]]) -> None:
    target.mkdir(parents=True)
    write(plan_write(emitted["one"], target))
    assert on_disk(target) == emitted["one"]


def test_converting_again_touches_no_file(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    before = {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in package.rglob("*")}
    plan = plan_write(emitted["one"], package)
    write(plan)
    assert plan.is_up_to_date
    assert {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in package.rglob("*")} == before


def test_files_and_links_of_the_users_stay(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    (package / "mine.txt").write_text("mine")
    (package / "link").symlink_to("nowhere")
    write(plan_write(emitted["two"], package))
    assert (package / "mine.txt").read_text() == "mine"
    assert (package / "link").readlink() == Path("nowhere")


def test_what_is_no_longer_emitted_goes_with_its_folder(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    files = {path: text for path, text in emitted["one"].items() if "stages" not in path}
    write(plan_write(files, package))
    assert not (package / "demo").exists()


def test_an_edited_file_that_is_no_longer_emitted_stays(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    (package / "README.md").write_text("# Mine\n")
    files = {path: text for path, text in emitted["one"].items() if path != "README.md"}
    write(plan_write(files, package))
    assert (package / "README.md").read_text() == "# Mine\n"


def test_edits_are_merged(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    train = package / "demo/stages/train.py"
    train.write_text("x = 'mine'\ny = 2\nz = 3\n")
    write(plan_write(emitted["two"], package))
    assert train.read_text() == "x = 'mine'\ny = 2\nz = 4\n"


def test_the_lock_is_overwritten(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    (package / LOCK).write_text(emitted["one"][LOCK] + "\n")
    write(plan_write(emitted["two"], package))
    assert (package / LOCK).read_text() == emitted["two"][LOCK]


def test_windows_line_ends_are_no_edit(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    train = package / "demo/stages/train.py"
    train.write_bytes(train.read_bytes().replace(b"\n", b"\r\n"))
    assert actions(emitted["one"], package)["demo/stages/train.py"] is Action.UNCHANGED
    assert actions(emitted["two"], package)["demo/stages/train.py"] is Action.UPDATED


def test_modes_are_ordinary(package: Path) -> None:
    (package.parent / "plain").mkdir()
    (package.parent / "file").touch()
    assert package.stat().st_mode == (package.parent / "plain").stat().st_mode
    assert (package / "README.md").stat().st_mode == (package.parent / "file").stat().st_mode


def test_a_mode_that_the_user_chose_stays(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    train = package / "demo/stages/train.py"
    train.chmod(0o750)
    write(plan_write(emitted["two"], package))
    assert stat.S_IMODE(train.stat().st_mode) == 0o750


# What is told


def test_the_diff_is_one_that_git_applies(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    (package / "README.md").write_text("# Demo\nno end of line\x0chere")
    files = {**emitted["two"], "README.md": "# Other\n", "gone.txt": "x\n"}
    diff = plan_write({path: text for path, text in files.items() if path != "gone.txt"}, package).diff_text()
    subprocess.run(["git", "apply", "-p1"], cwd=package, input=diff.encode(), check=True)
    assert (package / "demo/new.py").read_text() == "new = 1\n"
    assert LOCK not in diff


def test_changes_are_not_up_to_date(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    assert not plan_write(emitted["two"], package).is_up_to_date


def test_edits_by_hand_are_up_to_date(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    (package / "README.md").write_text("# Mine\n")
    assert plan_write(emitted["one"], package).is_up_to_date


# What is refused


def test_a_folder_of_someone_elses_is_refused(target: Path, emitted: dict[str, dict[str, str]]) -> None:
    target.mkdir(parents=True)
    (target / "thesis.tex").write_text("mine")
    with pytest.raises(WriteError, match="choose another --output or --name"):
        plan_write(emitted["one"], target)


def test_a_file_as_target_is_refused(target: Path, emitted: dict[str, dict[str, str]]) -> None:
    target.parent.mkdir()
    target.touch()
    with pytest.raises(WriteError, match="is not a folder"):
        plan_write(emitted["one"], target)


@pytest.mark.parametrize("place", ["", "README.md", "demo", "demo/stages", LOCK])
def test_nothing_is_written_through_links(package: Path, emitted: dict[str, dict[str, str]], place: str) -> None:
    linked = package / place if place else package
    linked.rename(package.parent / "elsewhere")
    linked.symlink_to(package.parent / "elsewhere")
    with pytest.raises(WriteError, match=r"link|not a folder"):
        plan_write(emitted["two"], package)


def test_a_lock_cannot_reach_outside(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    victim = package.parent / "victim.txt"
    victim.write_text("# Demo\n")
    lock = package / LOCK
    lock.write_text(lock.read_text().replace('"README.md"', '"../victim.txt"'))
    with pytest.raises(WriteError, match="outside the package"):
        plan_write(emitted["two"], package)
    assert victim.exists()


def test_a_truncated_lock_is_refused(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    (package / LOCK).write_text(emitted["one"][LOCK][:-20])
    with pytest.raises(WriteError, match="restore it from version control"):
        plan_write(emitted["two"], package)


def test_a_folder_where_a_file_belongs_is_refused(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    (package / "demo/new.py").mkdir()
    with pytest.raises(WriteError, match="is not a file"):
        plan_write(emitted["two"], package)


def test_a_file_that_is_not_text_is_refused(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    (package / "README.md").write_bytes(b"\xff\xfe")
    with pytest.raises(WriteError, match="not UTF-8"):
        plan_write(emitted["two"], package)


# What happens when it fails


def test_an_edit_made_meanwhile_is_not_lost(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    plan = plan_write(emitted["two"], package)
    (package / "demo/stages/train.py").write_text("just saved\n")
    before = on_disk(package)
    with pytest.raises(WriteError, match="convert it again"):
        write(plan)
    assert on_disk(package) == before


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["disk", "ctrl-c"])
@pytest.mark.parametrize("step", ["_apply", "_swap"])
@pytest.mark.parametrize("existing", [False, True], ids=["first", "again"])
def test_a_failure_leaves_all_as_it_was(
    target: Path,
    emitted: dict[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    error: BaseException,
    existing: bool,
) -> None:
    root = target.parent.parent
    if existing:
        write(plan_write(emitted["one"], target))
    before = sorted(root.rglob("*")), on_disk(root)

    def fail(*_: object) -> None:
        raise error

    plan = plan_write(emitted["two"], target)
    monkeypatch.setattr(module, step, fail)
    with pytest.raises((WriteError, KeyboardInterrupt)):
        write(plan)
    assert (sorted(root.rglob("*")), on_disk(root)) == before


def test_a_text_that_no_file_can_hold_leaves_all_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="cannot be written"):
        write(plan_write({"a.py": "\ud800"}, tmp_path / "demo"))
    assert not any(tmp_path.iterdir())


def test_where_folders_cannot_be_exchanged_two_renames_do(
    package: Path, emitted: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_exchanged", lambda *_: False)
    write(plan_write(emitted["two"], package))
    assert on_disk(package) == emitted["two"]
    assert list(package.parent.iterdir()) == [package]


def killed_before(change: int, plan: WritePlan, exchange: bool) -> int:
    """The exit code of a process that writes the plan, and is killed before its n-th change of the disk."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = iter(range(change))

    def killing(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return counted

    for name in ("mkdir", "rename", "unlink", "rmdir", "link", "fsync", "chmod"):
        setattr(os, name, killing(getattr(os, name)))
    module._exchanged = killing(module._exchanged) if exchange else lambda *_: False  # type: ignore[assignment]
    with contextlib.suppress(BaseException):
        write(plan)
        os._exit(0)
    os._exit(1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("exchange", [True, False], ids=["exchange", "renames"])
def test_a_kill_leaves_the_old_package_or_the_new_one(
    package: Path, emitted: dict[str, dict[str, str]], exchange: bool
) -> None:
    old = []
    for change in range(200):
        code = killed_before(change, plan_write(emitted["two"], package), exchange)
        standing = package if package.exists() else package.parent / ".demo.nb2pipe-old"
        assert on_disk(standing) in (emitted["one"], emitted["two"]), change
        old.append(on_disk(standing) == emitted["one"])
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert old == sorted(old, reverse=True) and old[0] and not old[-1]
    write(plan_write(emitted["two"], package))
    assert on_disk(package) == emitted["two"] and list(package.parent.iterdir()) == [package]


@pytest.mark.parametrize("left", [".demo.nb2pipe-new-0a", ".demo.nb2pipe-old"])
def test_what_a_kill_left_is_removed_by_the_next_conversion(
    package: Path, emitted: dict[str, dict[str, str]], left: str
) -> None:
    (package.parent / left).mkdir()
    (package.parent / left / "README.md").touch()
    write(plan_write(emitted["one"], package))
    assert list(package.parent.iterdir()) == [package]


def test_the_leftovers_of_other_packages_are_not_touched(package: Path, emitted: dict[str, dict[str, str]]) -> None:
    other = package.parent / ".demo_2.nb2pipe-new-0a"
    other.mkdir()
    write(plan_write(emitted["two"], package))
    assert other.is_dir()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges folders at once")
def test_folders_change_places_at_once(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert module._exchanged(tmp_path / "one", tmp_path / "two")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["two"]
