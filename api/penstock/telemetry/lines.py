"""Lines on their way to a file: gathered on the loop, written by a thread, so that a slow reader holds nobody up."""

from __future__ import annotations

import asyncio
import threading
from queue import SimpleQueue
from typing import BinaryIO

import orjson

HELD_S = 0.05
"""How long a line may be gathered before it is on its way."""
BACKLOG_BYTES = 32 * 2**20
"""What may wait for a reader that does not read; beyond it lines are lost, and their number is told."""


class Lines:
    """Has what structlog's BytesLogger needs of a file. Without a running loop it writes at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._held: list[bytes] = []
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._backlog = 0
        self._lost = 0

    def write(self, line: bytes) -> None:
        if not self._held and not self._gather():
            self._file.write(line)
            self._file.flush()
            return
        self._held.append(line)

    def flush(self) -> None:
        """Lines flush themselves."""

    def close(self) -> None:
        """Write what is left, at most for a second."""
        self._hand_over()
        if self._writer is not None:
            self._queue.put(None)
            self._writer.join(1.0)
            self._writer = None

    def _gather(self) -> bool:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        loop.call_later(HELD_S, self._hand_over)
        return True

    def _hand_over(self) -> None:
        if not self._held:
            return
        data = b"".join(self._held)
        count = len(self._held)
        self._held.clear()
        if self._backlog + len(data) > BACKLOG_BYTES:
            self._lost += count
            return
        if self._lost:
            lost = {"event": "log lines lost", "level": "error", "count": self._lost}
            data = orjson.dumps(lost, option=orjson.OPT_APPEND_NEWLINE) + data
            self._lost = 0
        if self._writer is None:
            self._writer = threading.Thread(target=self._write, name="log", daemon=True)
            self._writer.start()
        self._backlog += len(data)
        self._queue.put(data)

    def _write(self) -> None:
        while (data := self._queue.get()) is not None:
            try:
                self._file.write(data)
                self._file.flush()
            except OSError:  # the reader is gone: there is nobody left to tell
                pass
            self._backlog -= len(data)
