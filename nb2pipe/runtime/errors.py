"""What the runtime raises for people: a message that says what is wrong and how to mend it."""

from __future__ import annotations


class RunError(Exception):
    """Bad usage, config, data or package: printed as one message, exit code 2."""


class StorageError(Exception):
    """A value that cannot be stored, or a stored value that cannot be trusted; fails the stage."""


class Interrupted(BaseException):
    """A signal asked the run to stop; carries the signal's number."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
