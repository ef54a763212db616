"""Signals that end a run: noted when they come, raised where the run can be ended."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from operations.errors import Interrupted

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """A handler that raised at once could do so between any two lines; this one is asked at each step and wait."""

    def __init__(self) -> None:
        self._came: int | None = None
        self._undoing = False

    @property
    def came(self) -> bool:
        return self._came is not None

    def check(self) -> None:
        """Raises Interrupted if a signal came."""
        if self._came is not None:
            raise Interrupted(self._came)

    def undo(self) -> None:
        """From now on things are put back. Only another Ctrl-C ends that."""
        self._came, self._undoing = None, True

    def undone(self) -> None:
        """Things are put back, and every signal counts again."""
        self._undoing = False

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Signals are noted inside."""
        before = {number: signal.signal(number, self._note) for number in ENDING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if not self._undoing or number == signal.SIGINT:
            self._came = number
