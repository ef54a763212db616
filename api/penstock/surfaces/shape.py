"""What a surface makes of a reply, and a stream's way out in that shape."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from penstock.errors import PenstockError
from penstock.surfaces.wire import Wire
from penstock.upstream.reply import Reply
from penstock.upstream.stream import Stream


class Whole(Protocol):
    """What the client gets for a reply that is not streamed. May raise a PenstockError."""

    def __call__(self, reply: Reply) -> bytes: ...


class Streamed(ABC):
    """What the client gets for a stream. `events` and `end` may raise a PenstockError."""

    verbatim: bool = False
    """It gets each event as it is."""

    @abstractmethod
    def events(self, events: list[bytes]) -> bytes:
        """For the next events; empty to hold them back."""

    @abstractmethod
    def end(self) -> bytes:
        """To close a stream that is complete."""

    @abstractmethod
    def failed(self, error: PenstockError) -> bytes:
        """To tell an error in a stream that has begun."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a surface makes of a reply."""

    whole: Whole
    streamed: Callable[[Stream], Streamed]


class Outlet:
    """A stream's way out to its client."""

    def __init__(self, wire: Wire, shape: Streamed) -> None:
        self._wire = wire
        self._shape = shape
        self.last = b""
        """What came with the stream's end, and is still to be written: one write wakes the client once."""

    def take(self, events: list[bytes], last: bool) -> None:
        data = self._shape.events(events)
        if last and self._wire.keeps_up:
            self.last = data
        else:
            self._wire.write(data)  # even if it is empty: the head waits for it

    def pass_on(self, event: bytes, framed: bytes) -> None:
        if self._shape.verbatim:
            self._wire.pass_on(event, framed)
        else:
            self.take([event], False)
