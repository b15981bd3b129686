"""What holds for every process that a stage runs in: its group, its end, and how that end is told."""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def begin_own_group() -> None:
    """In the new process: a group of its own, so that it can be ended with all that it starts, and with its parent."""
    with contextlib.suppress(AttributeError, OSError):
        os.setsid()
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
