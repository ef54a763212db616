"""What each thing that can happen at a target means: to its breaker, to the call, to the client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from penstock.errors import (
    PenstockError,
    UpstreamBusy,
    UpstreamError,
    UpstreamFailed,
    UpstreamKeyRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from penstock.upstream.breaker import Hears

Outcome = Literal[
    "answered",
    "unreachable",
    "stale",
    "server_error",
    "timed_out",
    "busy",
    "refused",
    "key_refused",
    "cut",
    "client_gone",
    "bug",
]
"""What came of an attempt. `stale`: a kept connection was closed; `cut`: the answer broke off."""

Onward = Literal["next_target", "same_target", "nowhere"]
"""`same_target`: once, on a fresh connection."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`error` is what the client hears if this was the last stop; None where it hears something else."""

    hears: Hears
    onward: Onward
    error: type[UpstreamFailed] | None = None


class Ending(NamedTuple):
    """How a stream ended: what that says of the target, and what the client has to hear."""

    outcome: Outcome
    error: PenstockError | None = None


VERDICTS: Final[Mapping[Outcome, Verdict]] = {
    "answered": Verdict("succeeded", "nowhere"),
    "unreachable": Verdict("failed", "next_target", UpstreamUnreachable),
    "stale": Verdict("nothing", "same_target", UpstreamUnreachable),
    "server_error": Verdict("failed", "next_target", UpstreamError),
    "timed_out": Verdict("failed", "next_target", UpstreamTimeout),
    "busy": Verdict("excused", "next_target", UpstreamBusy),
    "refused": Verdict("succeeded", "nowhere"),
    "key_refused": Verdict("failed", "next_target", UpstreamKeyRefused),
    "cut": Verdict("failed", "nowhere"),
    "client_gone": Verdict("excused", "nowhere"),
    "bug": Verdict("nothing", "nowhere"),
}


def outcome_of_status(status: int, *, busy: bool) -> Outcome:
    """What a status that is not a success means. `busy`: a 503 of a server that is well but full."""
    if status == 429 or (status == 503 and busy):
        return "busy"
    if status in (401, 403):
        return "key_refused"
    if 400 <= status < 500:
        return "refused"
    return "server_error"
