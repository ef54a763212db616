"""How a request ended, in one word for the log and the metrics."""

from __future__ import annotations

from penstock.errors import ClientGone, InternalError, Overloaded, PenstockError, UpstreamBusy, UpstreamTimeout
from penstock.telemetry.record import Outcome


def outcome_of(error: PenstockError, *, started: bool = False) -> Outcome:
    """`started`: the client had a part of its answer already."""
    if isinstance(error, ClientGone):
        return "client_gone"
    if isinstance(error, UpstreamTimeout):
        return "timeout"
    if started:
        return "broken"
    if isinstance(error, UpstreamBusy | Overloaded):
        return "busy"
    if isinstance(error, InternalError):
        return "bug"
    return "refused" if error.status < 500 else "failed"
