"""Who changed what on /admin, and who tried to: one line of the log for each request, whatever came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.typing import FilteringBoundLogger

from penstock.surfaces.visit import Visit

READS = frozenset({"GET", "HEAD", "OPTIONS"})
PATH_LENGTH = 200
"""Of a path, which anyone may make up."""


def audit(log: FilteringBoundLogger, visit: Visit) -> None:
    """To be told of a request to /admin when it is over."""
    wire, record = visit.wire, visit.record
    if wire.method in READS:
        return
    log.info(
        "audit",
        operator=record.caller,
        address=wire.peer[0] if wire.peer is not None else "",
        method=wire.method,
        path=wire.path[:PATH_LENGTH],
        status=record.status,
        outcome=record.outcome,
        code=record.code,
        request_id=visit.request_id,
    )


@contextmanager
def signed(visit: Visit) -> Iterator[None]:
    """What is logged inside of what is done says who did it."""
    with structlog.contextvars.bound_contextvars(operator=visit.caller.name, request_id=visit.request_id):
        yield
