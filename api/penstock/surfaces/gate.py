"""What stands between a call and the road: its caller's limits, and the headers that tell of them."""

from __future__ import annotations

from penstock.limits.limiter import FREE, Admission, Limiter
from penstock.limits.meter import Standing
from penstock.surfaces.framing import Headers
from penstock.surfaces.visit import Visit
from penstock.upstream.call import Call

CHARACTERS = 3
"""Bytes of a request for each token that it holds: English has about four, JSON has many marks."""
UNSAID = 512
"""Tokens that a request may generate which does not say how many."""


class Gate:
    """`admit` waits for no more than one answer of the grants, and mostly for none."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    async def admit(self, visit: Visit, call: Call) -> Admission:
        """To be closed when the call is over. Raises RateLimited or RequestOverLimit."""
        if not visit.caller.limited:
            return FREE
        try:
            return await self._limiter.admit(visit.caller, estimate(call))
        finally:
            visit.more_headers = [
                header for name, standing in self._limiter.standings(visit.caller) for header in _told(name, standing)
            ]


def estimate(call: Call) -> int:
    """The most tokens that a call should take: what it reads, by its size, and what it may generate."""
    asked = call.dialect.max_tokens(call.fields) or UNSAID
    written = asked * call.dialect.choices(call.fields) if call.dialect.limits else 0
    return len(call.raw) // CHARACTERS + written


def _told(name: str, standing: Standing) -> Headers:
    """As OpenAI spells them: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers."""
    return [
        (f"x-ratelimit-limit-{name}".encode(), b"%d" % standing.limit),
        (f"x-ratelimit-remaining-{name}".encode(), b"%d" % standing.remaining),
        (f"x-ratelimit-reset-{name}".encode(), b"%.3fs" % standing.full_s),
    ]
