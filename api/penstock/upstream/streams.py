"""What an event of a stream is to us, and what every dialect's reader of streams tells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

from penstock.errors import PenstockError
from penstock.upstream.usage import Usage

Seen = Literal["token", "comment", "preamble", "usage", "error", "done", "malformed"]
"""What an event is to us. `preamble`: sent before there is any answer, a role for instance, and so proof of nothing.
`usage`: a closing event with nothing but usage, for clients that asked for it. (An enum's members cost a look-up
that fails first, until Python 3.12, and there are many events.)"""


class Events(ABC):
    """Reads one stream. `complete`: the answer is whole; `usage`, `model` and `error`: as the target told them."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.model: object = None
        self.error: dict[str, object] | None = None
        self.tokens = 0

    @property
    @abstractmethod
    def complete(self) -> bool: ...

    @abstractmethod
    def glance(self, data: bytes) -> bool:
        """Whether this is one whole event and a token, if that can be told without reading it. Counts it then."""

    @abstractmethod
    def see(self, event: bytes) -> Seen: ...

    @abstractmethod
    def ending(self) -> bytes:
        """What closes a stream that is complete but was not closed."""

    @abstractmethod
    def failing(self, error: PenstockError) -> bytes:
        """The event that tells an error in the stream."""
