"""The runner's side of the processes that stages run in."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from typing import Any

from nb2pipe.runtime.channel import Channel
from nb2pipe.runtime.errors import RunError
from nb2pipe.runtime.processes import ending_of
from nb2pipe.runtime.server import STOP_SECONDS, Ended, Loaded, Settings

FORK, SPAWN = "fork", "spawn"


def default_isolation() -> str:
    """``fork`` where there is one that native libraries outlive."""
    return FORK if hasattr(os, "fork") and sys.platform != "darwin" else SPAWN


class Workers:
    """Processes for stages: forked from one that has imported the package, or fresh interpreters.

    ``load`` (``module:function`` and arguments) is called in the first of them; :meth:`loaded` gives what it gave.
    """

    def __init__(self, isolation: str, load: tuple[str, tuple[Any, ...]]) -> None:
        self._forks = isolation == FORK
        self._events: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._loaded: queue.SimpleQueue[Loaded] = queue.SimpleQueue()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._server, self._channel = _begin(load, forks=self._forks)
        threading.Thread(target=self._listen, args=(self._server, self._channel, ""), daemon=True).start()

    def loaded(self) -> Any:
        """What the package's import gave; raises ``RunError`` when it failed."""
        answer = self._loaded.get()
        if answer.problem is not None:
            raise RunError(answer.problem)
        return answer.value

    def start(self, token: str, target: str, arguments: tuple[Any, ...]) -> None:
        """Call ``target`` (``module:function``) in a process of its own."""
        if self._forks:
            with contextlib.suppress(BrokenPipeError):  # that the server is gone is heard by the other thread
                self._channel.send((token, target, arguments))
            return
        process, channel = _begin()
        self._processes[token] = process
        channel.send((token, target, arguments))
        threading.Thread(target=self._listen, args=(process, channel, token), daemon=True).start()

    def end(self, token: str) -> None:
        """End a stage's process, politely first; an ``Ended`` follows."""
        if self._forks:
            with contextlib.suppress(BrokenPipeError):
                self._channel.send((token, None, ()))
        elif token in self._processes:
            _end(self._processes[token])

    def next(self, timeout: float | None = None) -> Ended | None:
        """The next process that ended; ``None`` when none does in ``timeout`` seconds."""
        try:
            return self._events.get(timeout=timeout)
        except queue.Empty:
            return None

    def close(self) -> None:
        """End everything."""
        os.close(self._channel.writer)
        for process in [*self._processes.values(), self._server]:
            _end(process, at_once=process is not self._server)

    def _listen(self, process: subprocess.Popen[bytes], channel: Channel, token: str) -> None:
        """Pass on what a process says, and its end."""
        try:
            while True:
                message = channel.receive()
                (self._loaded if isinstance(message, Loaded) else self._events).put(message)
        except (EOFError, OSError):
            pass
        except Exception as error:  # what it says cannot be understood, so it is of no use any more
            self._loaded.put(Loaded(problem=f"{type(error).__name__}: {error}"))
            process.kill()
        os.close(channel.reader)
        code = process.wait()
        if not token:
            self._loaded.put(Loaded(problem=f"the process that imports the package {ending_of(code)}"))
        self._events.put(Ended(token, code))


class Companion:
    """A process beside the stages that does one thing and talks to the runner meanwhile.

    ``target`` (``module:function``) is called with a channel and ``arguments``.
    """

    def __init__(self, target: str, arguments: tuple[Any, ...]) -> None:
        self._process, self._channel = _begin(talks=True)
        with contextlib.suppress(BrokenPipeError):
            self._channel.send(("", target, arguments))

    def send(self, message: Any) -> None:
        """Say something; raises ``BrokenPipeError`` when it is gone."""
        self._channel.send(message)

    def receive(self) -> Any:
        """What it says next; raises ``EOFError`` when it is gone."""
        return self._channel.receive()

    def exit_code(self) -> int:
        """How it ended."""
        return self._process.wait()

    def close(self, *, at_once: bool) -> None:
        """End it, at once or when it has seen that nobody talks to it any more."""
        os.close(self._channel.writer)
        _end(self._process, at_once=at_once)
        os.close(self._channel.reader)


def _begin(
    load: tuple[str, tuple[Any, ...]] | None = None, *, forks: bool = False, talks: bool = False
) -> tuple[subprocess.Popen[bytes], Channel]:
    path = tuple(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109
    settings = Settings(path, os.environ.get("PYTHONPATH"), load, forks, talks)
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    process = subprocess.Popen(
        [sys.executable, *flags, "-c", "from nb2pipe.runtime.server import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    channel = Channel(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()))
    process.stdin.close()
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        channel.send(settings)
    return process, channel


def _end(process: subprocess.Popen[bytes], *, at_once: bool = False) -> None:
    """Wait for a process whose pipe is closed; it and what it started are ended when it does not go."""
    if not at_once:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return
    for signum in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return
