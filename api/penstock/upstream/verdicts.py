"""What each thing that can happen at a target means: to its breaker, to the call, to the client."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from penstock.errors import (
    UpstreamBusy,
    UpstreamError,
    UpstreamFailed,
    UpstreamKeyRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from penstock.upstream.breaker import Hears


class Outcome(Enum):
    """What came of an attempt."""

    __hash__ = object.__hash__  # each is there once; Enum's own hashes the name, in Python

    ANSWERED = "answered"
    UNREACHABLE = "unreachable"
    STALE = "stale connection"
    SERVER_ERROR = "server error"
    TIMED_OUT = "timed out"
    BUSY = "busy"
    REFUSED = "refused the request"
    KEY_REFUSED = "refused our key"
    CUT = "broke off"
    CLIENT_GONE = "client gone"
    BUG = "bug"


class Onward(Enum):
    NEXT_TARGET = "next target"
    SAME_TARGET = "same target, once, on a fresh connection"
    NOWHERE = "nowhere"


WORDS = {outcome: outcome.name.lower() for outcome in Outcome}
"""What metrics call them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`error` is what the client hears if this was the last stop; None where it hears something else."""

    hears: Hears
    onward: Onward
    error: type[UpstreamFailed] | None = None


VERDICTS = {
    Outcome.ANSWERED: Verdict(Hears.SUCCEEDED, Onward.NOWHERE),
    Outcome.UNREACHABLE: Verdict(Hears.FAILED, Onward.NEXT_TARGET, UpstreamUnreachable),
    Outcome.STALE: Verdict(Hears.NOTHING, Onward.SAME_TARGET, UpstreamUnreachable),
    Outcome.SERVER_ERROR: Verdict(Hears.FAILED, Onward.NEXT_TARGET, UpstreamError),
    Outcome.TIMED_OUT: Verdict(Hears.FAILED, Onward.NEXT_TARGET, UpstreamTimeout),
    Outcome.BUSY: Verdict(Hears.EXCUSED, Onward.NEXT_TARGET, UpstreamBusy),
    Outcome.REFUSED: Verdict(Hears.SUCCEEDED, Onward.NOWHERE),
    Outcome.KEY_REFUSED: Verdict(Hears.FAILED, Onward.NEXT_TARGET, UpstreamKeyRefused),
    Outcome.CUT: Verdict(Hears.FAILED, Onward.NOWHERE),
    Outcome.CLIENT_GONE: Verdict(Hears.EXCUSED, Onward.NOWHERE),
    Outcome.BUG: Verdict(Hears.NOTHING, Onward.NOWHERE),
}


def outcome_of_status(status: int, *, busy: bool) -> Outcome:
    """What a status that is not a success means. `busy`: a 503 of a server that is well but full."""
    if status == 429 or (status == 503 and busy):
        return Outcome.BUSY
    if status in (401, 403):
        return Outcome.KEY_REFUSED
    if 400 <= status < 500:
        return Outcome.REFUSED
    return Outcome.SERVER_ERROR
