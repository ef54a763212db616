"""What there is to tell of one request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from penstock.telemetry.tariff import Tariff
from penstock.telemetry.trace import Trace

Outcome = Literal["ok", "refused", "busy", "failed", "timeout", "broken", "client_gone", "bug"]


class Record:
    """One request. Times are monotonic, in seconds; a model or target that never was known is `none`."""

    caller = "none"
    model = "none"
    function: str | None = None
    target = "none"
    target_kind = "none"
    attempts = 0
    waited_s = 0.0
    queued_s = 0.0
    status = 0
    outcome: Outcome = "ok"
    code: str | None = None
    stream = False
    first_byte_at: float | None = None
    first_token_at: float | None = None
    events = 0
    input_tokens = 0
    output_tokens = 0
    counted = True
    fallback: str | None = None
    tariff: Tariff | None = None
    paid_usd = 0.0
    """What clouds were paid for it."""
    saved_usd = 0.0
    """What they would have been paid for what replicas answered."""

    def __init__(self, surface: str, request_id: str, received_at: float) -> None:
        self.surface = surface
        self.request_id = request_id
        self.received_at = received_at
        self.trace: Trace | None = None

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def cost_usd(self) -> float:
        """What its tokens cost at a cloud's price."""
        return self.paid_usd + self.saved_usd

    def answered(self, read: int, written: int, *, counted: bool) -> float:
        """Its target has answered with so many tokens. A request may have two answers, and each of another target.

        Returns what these tokens cost at a cloud's price, in dollars.
        """
        self.input_tokens += read
        self.output_tokens += written
        self.counted = counted
        usd = 0.0 if self.tariff is None else self.tariff.usd(read, written)
        if self.target_kind == "cloud":
            self.paid_usd += usd
        else:
            self.saved_usd += usd
        return usd


Used = Callable[[Record, int, int, bool, float, float], None]
"""Takes what one answer for a request used: tokens read and written, whether its target counted them, what they cost at
a cloud's price in dollars, and the time, in seconds of the epoch."""
Traced = Callable[[Record, Trace, float], None]
"""Takes a request that is over, its trace, and when it ended."""
