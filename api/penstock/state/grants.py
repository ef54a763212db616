"""What of a limit instances have taken, in three verbs.

A limit is so much in any window of time, wherever the window begins. An instance takes a part of it, a grant, uses that
within a moment, and says afterwards how much it did use. A grant counts in full for the moment and the window after it,
so that whatever its time of use was, no window holds more than the limit.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

INSTANCES = "instances"
"""The key whose holders are the instances, each with one seat."""


class Grant(NamedTuple):
    amount: int
    """What was taken; 0 if `least` could not be had."""
    wait_s: float
    """Then, seconds until it can be, if nothing is given back before; infinity if it never can. Else 0."""
    left: int
    """What is left for all, after this."""
    full_s: float
    """Seconds until all of the limit is there again, if nothing more is taken."""


class Seats(NamedTuple):
    granted: int
    holders: int
    """Who hold any, the one that asked included."""


class Grants(Protocol):
    """Each verb is one atomic step, and may raise StoreUnavailableError. Amounts are whole numbers, times seconds."""

    async def take(self, key: str, grant: str, *, limit: int, want: int, least: int, charged_s: float) -> Grant:
        """Take up to `want` of what is left, and `least` or nothing. Taken again, a grant grows, and counts anew."""

    async def correct(self, key: str, changes: Mapping[str, int], charged_s: float) -> None:
        """Add to the amounts of grants, or take from them. What is added to one that no longer counts, counts anew."""

    async def seat(self, key: str, holder: str, *, want: int, limit: int, ttl_s: float) -> Seats:
        """Hold so many seats of `limit`, as far as others leave them, for `ttl_s`; asked again, it is said anew."""

    async def aclose(self) -> None: ...
