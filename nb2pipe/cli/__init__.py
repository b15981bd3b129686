"""The command line: a thin face over functions that a script could call."""

from nb2pipe.cli.main import main

__all__ = ["main"]
