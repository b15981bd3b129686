"""The notebook's functions and classes."""

import os
import signal
import sys
from pathlib import Path

COUNTER = []


class Scaler:
    """Remembers the table that it was made for."""

    def __init__(self, table):
        self.table = table


def misbehave(behaviour):
    """What a test asks of a stage."""
    if behaviour == "raise":
        raise ValueError("no good")
    if behaviour == "exit":
        sys.exit(0)
    if behaviour == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "vanish":
        os._exit(0)
    if behaviour == "assert":
        assert behaviour == "plain", "behaves badly"
    if behaviour == "print":
        print("said aloud")
        os.system("echo said by a child")
    if behaviour == "write":
        Path("notes.txt").write_text("of the stage")
        with Path("numbers.csv").open("a") as file:
            file.write("999,999,999\n")
