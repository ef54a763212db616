"""Requests at a steady rate through the edge, while something else happens."""

from __future__ import annotations

import asyncio
import threading
from typing import Self

from operations.load.outcome import Outcome
from operations.load.run import Load, Plan


class Traffic:
    """Half of them are streams. A context manager; `outcome` is whole after it."""

    def __init__(self, url: str, rate: float, *, stream_tokens: int, model: str = "tiny", key: str = "") -> None:
        tokens = {"stream_tokens": stream_tokens, "post_tokens": 1}
        self._load = Load(Plan(url, rate, 3600, model=model, key=key, insecure=True, timeout_s=60, **tokens))
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
