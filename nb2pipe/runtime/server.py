"""The process that stages come from: it imports the package once, then forks a process for each stage.

Started by :mod:`nb2pipe.runtime.workers`. Nothing that a stage does can reach
another: each is a copy of this process as it was after the import. Where there is no fork, or it is not wanted,
each stage has a server of its own that becomes the stage.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import sys
import time
import traceback
import warnings
from dataclasses import dataclass
from typing import Any

from nb2pipe.runtime.channel import Channel

STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Settings:
    """What a server is told first.

    Attributes:
        sys_path: the runner's ``sys.path``.
        pythonpath: the runner's ``PYTHONPATH``, which starting the server has changed.
        load: ``module:function`` to call first, and its arguments; what it gives is sent back.
        forks: whether stages are forked; else this process does one thing and ends.
        talks: whether that one thing gets the channel as its first argument.
    """

    sys_path: tuple[str, ...]
    pythonpath: str | None
    load: tuple[str, tuple[Any, ...]] | None
    forks: bool
    talks: bool = False


@dataclass(frozen=True)
class Ended:
    """A stage's process is gone. A negative code is the signal that ended it."""

    token: str
    exit_code: int | None


@dataclass(frozen=True)
class Loaded:
    """What the loading function gave, or the text of what it raised."""

    value: Any = None
    problem: str | None = None


def main() -> None:
    """Serve until the runner closes its end."""
    channel = _take_channel()
    settings: Settings = channel.receive()
    if settings.pythonpath is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = settings.pythonpath
    sys.path[:] = settings.sys_path
    if settings.load is not None:
        channel.send(_load(*settings.load))
    if settings.forks:
        gc.collect()
        gc.freeze()  # what is here now is never garbage; a collection in a stage would only copy its pages
        _Server(channel).serve()
        return
    with contextlib.suppress(EOFError):
        _token, target, arguments = channel.receive()
        _call(target, (channel, *arguments) if settings.talks else arguments)


def _take_channel() -> Channel:
    """The pipes that came as standard input and output; what is printed goes to standard error from now on."""
    channel = Channel(os.dup(0), os.dup(1))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return channel


def _load(target: str, arguments: tuple[Any, ...]) -> Loaded:
    from nb2pipe.runtime.errors import RunError

    try:
        return Loaded(_function(target)(*arguments))
    except RunError as error:
        return Loaded(problem=str(error))
    except Exception:
        return Loaded(problem=traceback.format_exc())


def _function(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _call(target: str, arguments: tuple[Any, ...]) -> None:
    _function(target)(*arguments)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


class _Server:
    """Forks, watches and ends processes; single-threaded, so that a fork takes no lock along."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.running: dict[int, str] = {}
        self.to_kill: dict[int, float] = {}
        self.woken, self.wake = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self.woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def serve(self) -> None:
        try:
            while True:
                wait = None if not self.to_kill else max(0.0, min(self.to_kill.values()) - time.monotonic())
                readable, _, _ = select.select([self.channel.reader, self.woken], [], [], wait)
                if self.woken in readable:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self.woken, 4096)
                    self._reap()
                self._kill_the_late()
                if self.channel.reader in readable:
                    self._obey(self.channel.receive())
        except (EOFError, BrokenPipeError):
            for pid in list(self.running):
                _signal(pid, signal.SIGKILL)

    def _obey(self, message: tuple[Any, ...]) -> None:
        token, target, arguments = message
        if target is not None:
            self._fork(token, target, arguments)
            return
        for pid in [pid for pid, known in self.running.items() if known == token]:
            _signal(pid, signal.SIGTERM)
            self.to_kill[pid] = time.monotonic() + STOP_SECONDS

    def _fork(self, token: str, target: str, arguments: tuple[Any, ...]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads of native libraries
            pid = os.fork()
        if pid:
            self.running[pid] = token
            return
        code = 1
        try:
            self._become_child()
            _call(target, arguments)
            code = 0
        except BaseException:
            with contextlib.suppress(BaseException):
                traceback.print_exc()
                sys.stderr.flush()
        finally:
            os._exit(code)

    def _become_child(self) -> None:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for descriptor in (self.woken, self.wake, self.channel.reader, self.channel.writer):
            os.close(descriptor)

    def _reap(self) -> None:
        while self.running:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self.to_kill.pop(pid, None)
            if (token := self.running.pop(pid, None)) is not None:
                _signal(pid, signal.SIGKILL, group_only=True)  # what it started and left behind
                self.channel.send(Ended(token, os.waitstatus_to_exitcode(status)))

    def _kill_the_late(self) -> None:
        for pid in [pid for pid, when in self.to_kill.items() if when <= time.monotonic()]:
            del self.to_kill[pid]
            _signal(pid, signal.SIGKILL)


def _signal(pid: int, signum: int, *, group_only: bool = False) -> None:
    """To a process and its group; it has one of its own as soon as it has begun."""
    with contextlib.suppress(OSError):
        os.killpg(pid, signum)
        return
    if not group_only:
        with contextlib.suppress(OSError):
            os.kill(pid, signum)
