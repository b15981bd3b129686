"""Messages between the runner and its server: pickles over pipes, each with its length before it."""

from __future__ import annotations

import os
import pickle
import struct
from dataclasses import dataclass
from typing import Any

_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class Channel:
    """Two ends of pipes. Messages below ``select.PIPE_BUF`` are written whole, so several processes may send."""

    reader: int
    writer: int

    def send(self, message: Any) -> None:
        """Send a message; raises ``BrokenPipeError`` when nobody listens any more."""
        body = pickle.dumps(message, protocol=5)
        data = memoryview(_LENGTH.pack(len(body)) + body)
        while data:
            data = data[os.write(self.writer, data) :]

    def receive(self) -> Any:
        """The next message; raises ``EOFError`` when the other side is gone."""
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        return pickle.loads(self._exactly(length))

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            part = os.read(self.reader, min(size, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
