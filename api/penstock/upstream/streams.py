"""What an event of a stream is to us, and what every dialect's reader of streams tells."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from penstock.errors import PenstockError
from penstock.upstream.usage import Usage


class Seen(Enum):
    """What an event is to us."""

    TOKEN = "token"  # noqa: S105  # a token of text
    COMMENT = "comment"
    PREAMBLE = "preamble"
    """Sent before there is any answer, a role for instance, and so proof of nothing."""
    USAGE = "usage"
    """A closing event with nothing but usage, for clients that asked for it."""
    ERROR = "error"
    DONE = "done"
    MALFORMED = "malformed"


class Events(Protocol):
    """Reads one stream. `complete`: the answer is whole; `usage` and `error`: as the target told them."""

    usage: Usage | None
    error: dict[str, object] | None
    tokens: int

    @property
    def complete(self) -> bool: ...

    def see(self, event: bytes) -> Seen: ...

    def ending(self) -> bytes:
        """What closes a stream that is complete but was not closed."""
        ...

    def failing(self, error: PenstockError) -> bytes:
        """The event that tells an error in the stream."""
        ...
