"""Requests at a steady rate through the edge, while something else happens."""

from __future__ import annotations

import asyncio
import threading
from itertools import count
from typing import Self

from operations.load.asking import Door, Due
from operations.load.outcome import Outcome
from operations.load.run import Limits, Load


class Traffic:
    """Half of them are streams. A context manager; `outcome` is whole after it."""

    def __init__(self, url: str, rate: float, *, stream_tokens: int, model: str = "tiny", key: str = "") -> None:
        half = (Due(each, each / rate, bool(each % 2), 8, stream_tokens if each % 2 else 1) for each in count())
        self._load = Load(Door(url, model, key, insecure=True), half, Limits(timeout_s=60))
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def outcome(self) -> Outcome:
        return self._load.outcome

    def _run(self) -> None:
        asyncio.run(self._load.run())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._load.finished = True
        self._thread.join(90)
        assert not self._thread.is_alive()
