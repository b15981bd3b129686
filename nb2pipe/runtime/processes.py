"""Processes: from a fork server that has imported the package once, or fresh ones where there is no fork."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

SERVER = "NB2PIPE_FORK_SERVER"
"""While the fork server starts: its ``sys.path``, what to import, and ``PYTHONPATH`` as it was, as JSON."""

STOP_SECONDS = 5.0

_lock = threading.Lock()
_active = 0


def process_context() -> BaseContext:
    """``forkserver``, or ``spawn`` where there is no fork."""
    methods = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")


@contextmanager
def server(modules: list[str]) -> Iterator[None]:
    """While this lasts there is a fork server that imports ``modules``; it does so in the background.

    Each run has a server of its own, because the server keeps the environment and the package as they were when
    it started. Runs at the same time in one process share one.
    """
    global _active
    with _lock:
        if not _active:
            _stop_server()
            _start_server(modules)
        _active += 1
    try:
        yield
    finally:
        with _lock:
            _active -= 1
            if not _active:
                _stop_server()


def _start_server(modules: list[str]) -> None:
    context = process_context()
    if context.get_start_method() != "forkserver":
        return
    from multiprocessing import forkserver

    context.set_forkserver_preload(["nb2pipe.runtime.preload"])
    with _absolute_path(), _no_main():
        settings = {"sys_path": sys.path, "modules": modules, "pythonpath": os.environ.get("PYTHONPATH")}
        with _environment({SERVER: json.dumps(settings), "PYTHONPATH": os.pathsep.join(sys.path)}):
            forkserver.ensure_running()


def _stop_server() -> None:
    if "multiprocessing.forkserver" in sys.modules:
        from multiprocessing import forkserver

        stop_it = getattr(getattr(forkserver, "_forkserver", None), "_stop", None)
        if stop_it is not None:
            stop_it()


def start(context: BaseContext, target: Callable[..., None], arguments: tuple[Any, ...], name: str) -> BaseProcess:
    """Start ``target(*arguments)`` in a process of its own, which does not import this program again."""
    process: BaseProcess = context.Process(target=target, args=arguments, name=name)  # type: ignore[attr-defined]
    with _no_main(), _absolute_path():
        process.start()
    return process


def stop(process: BaseProcess) -> None:
    """End a process and all that it started: first politely, then not."""
    for signum in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        if process.pid is None or not process.is_alive():
            break
        _signal(process.pid, signum)
        process.join(STOP_SECONDS)
    if process.pid is not None:
        _signal(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM), group_only=True)


def begin_own_group() -> None:
    """In the new process: a group of its own, so that it can be ended with all that it starts, and with its parent."""
    with contextlib.suppress(AttributeError, OSError):
        os.setsid()
    if "multiprocessing.forkserver" in sys.modules:  # else the fork server would outlive a killed runner
        from multiprocessing import forkserver

        alive = getattr(getattr(forkserver, "_forkserver", None), "_forkserver_alive_fd", None)
        if alive is not None:
            with contextlib.suppress(OSError):
                os.close(alive)
    if sys.platform == "linux":
        with contextlib.suppress(Exception):
            import ctypes

            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def ending_of(exit_code: int | None) -> str:
    """What an exit code says, for people."""
    if exit_code is None:
        return "did not end"
    if exit_code >= 0:
        return f"ended with exit code {exit_code} before it was done (os._exit, or a crash)"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    if name == "SIGKILL":
        return "was killed (SIGKILL); often the machine had no memory left"
    if name in ("SIGSEGV", "SIGBUS", "SIGILL", "SIGABRT", "SIGFPE"):
        return f"crashed in native code ({name})"
    return f"was ended by {name}"


def _signal(pid: int, signum: int, *, group_only: bool = False) -> None:
    with contextlib.suppress(AttributeError, OSError):
        if os.getpgid(pid) == pid or group_only:
            os.killpg(pid, signum)
            return
    if not group_only:
        with contextlib.suppress(OSError):
            os.kill(pid, signum)


@contextmanager
def _no_main() -> Iterator[None]:
    """Hide ``__main__``: multiprocessing would import it in each process, and stages do not need it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _absolute_path() -> Iterator[None]:
    before = list(sys.path)
    sys.path[:] = [entry or os.getcwd() for entry in before]  # noqa: PTH109
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
