"""What instances share, in five verbs.

Every key lives in one namespace and ends by itself. Each verb is one atomic step, so two instances that use
it at the same moment both get a true answer. Keys are plain (`opened:gpu-1`); a prefix in Redis is the
store's business.
"""

from collections.abc import Iterable
from typing import Protocol


class StoreUnavailableError(Exception):
    """The shared store did not answer, or not in time."""


class Store(Protocol):
    """Counts, marks and claims that end by themselves. Times are in seconds."""

    async def count(self, key: str, window_s: float) -> int:
        """Count one hit and return the hits of this window, which opened at its first hit."""

    async def mark(self, key: str, ttl_s: float) -> None:
        """Set the key for `ttl_s`; marking it again starts its time anew."""

    async def marked(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of the keys that are set now."""

    async def claim(self, key: str, ttl_s: float) -> bool:
        """True for the first to ask, until `ttl_s` has passed or the key is cleared; false for all others."""

    async def clear(self, keys: Iterable[str]) -> None:
        """Forget the keys; those not set are no error."""

    async def aclose(self) -> None:
        """Let go of every connection. The store is not used again."""
