"""A client's connection, as a wire sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Line:
    """A connection that keeps what is written to it, piece by piece."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.writable = True
        self.written: list[bytes] = []
        self.write: Callable[[bytes], None] = self.written.append

    def about(self, name: str) -> object:
        return None

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def abort(self) -> None: ...

    def answered(self, *, keep_alive: bool) -> None: ...

    def standing_headers(self) -> bytes:
        return b""
