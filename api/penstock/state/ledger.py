"""What callers used, added up by day: batches go in, each once, and sums come out."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple, Protocol

KEPT_DAYS = 400
"""How long a day's sums are kept after something was last added to them."""


class Row(NamedTuple):
    """What is summed apart. The day is one of UTC."""

    day: date
    caller: str
    model: str


class Counts(NamedTuple):
    """Answers that began. Money is in billionths of a dollar, so that sums of it are exact.

    Tokens of answers that broke off before their target told its usage are our estimates, and stand apart; the money
    is for both.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    estimated_requests: int = 0
    """Those of the requests whose tokens are estimates."""
    estimated_input_tokens: int = 0
    estimated_output_tokens: int = 0
    cost_nano_usd: int = 0
    """What clouds were paid."""
    saved_nano_usd: int = 0
    """What a cloud would have been paid for the pool's answers."""

    def plus(self, other: "Counts") -> "Counts":
        return Counts(*[mine + its for mine, its in zip(self, other, strict=True)])


Sums = Mapping[Row, Counts]


class Batch(NamedTuple):
    """What an instance counted in some time. Its batches are numbered from 1 on, without a gap."""

    number: int
    sums: Sums


class Ledger(Protocol):
    """Each verb may raise StoreUnavailableError; what `add` raised it for may have been taken."""

    async def add(self, instance: str, batches: Sequence[Batch]) -> int:
        """Take those of an instance's batches that are newer than the last taken of it, in one atomic step.

        Returns the number of the last that was taken before, 0 if none was. `batches` is not empty, and in order.
        """

    async def read(self, first: date, last: date) -> Sums:
        """What was taken for these days, both included."""

    async def aclose(self) -> None: ...
