"""From a key to its caller, in a microsecond."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from penstock.callers.caller import Caller


class _Held(NamedTuple):
    caller: Caller
    ends: float
    """Seconds since 1970, or infinity."""


class Keyring:
    """The callers by the digest of each key. A look-up takes the same time whatever was sent."""

    def __init__(self, callers: Iterable[Caller] = ()) -> None:
        self._held: Mapping[bytes, _Held] = {}
        self.callers: Mapping[str, Caller] = {}
        self.load(callers)

    def load(self, callers: Iterable[Caller]) -> None:
        """These from now on, and no others."""
        self.callers = {caller.name: caller for caller in callers}
        self._held = {
            bytes.fromhex(key.sha256): _Held(caller, _seconds(key.ends_at))
            for caller in self.callers.values()
            for key in caller.keys
        }

    def caller(self, digest: bytes, now: float) -> Caller | None:
        """Whose key has this digest, if it opens anything at `now`, in seconds since 1970."""
        held = self._held.get(digest)
        return held.caller if held is not None and now < held.ends else None

    def __bool__(self) -> bool:
        """There are keys, ended ones too: what once was closed is not opened by the last key's end."""
        return bool(self._held)


def _seconds(moment: datetime | None) -> float:
    return float("inf") if moment is None else moment.timestamp()
