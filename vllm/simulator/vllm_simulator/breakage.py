"""What faults do to an answer: to the events of a stream, to a body in one piece, to a status line."""

from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from math import ceil
from time import time
from typing import Any

from vllm_simulator import cloud, errors
from vllm_simulator.errors import ApiError, Header
from vllm_simulator.faults import Fault
from vllm_simulator.job import Event, Job
from vllm_simulator.shape import DONE, error_event

PAGE = b"<html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>"
_BROKEN = b'data: {"id":"chatcmpl-broken","object":"chat.compl\n\n'
_TITLES = {
    400: ("The request was refused.", "BadRequestError"),
    401: ("Unauthorized", "AuthenticationError"),
    403: ("Forbidden", "PermissionDeniedError"),
    404: ("The model does not exist.", "NotFoundError"),
    429: ("Too many requests", "RateLimitError"),
    503: ("Service unavailable", "Service Unavailable"),
}


class CutError(Exception):
    """The stream breaks here: the connection is closed."""


class StallError(Exception):
    """The stream goes silent here."""


class DieError(Exception):
    """The engine dies here, and the process with it."""


def failure(fault: Fault, role: str) -> ApiError:
    """The answer that a `status` fault gives."""
    status = fault.status
    if role == "cloud":
        error = ApiError(status, cloud.error_body(status))
    elif status == 503 and fault.shape == "busy":
        error = errors.busy()
    else:
        text, kind = _TITLES.get(status, ("Internal server error", "InternalServerError"))
        error = errors.api_error(status, text, kind)
    return ApiError(status, error.body, _retry_after(fault))


def bend(events: Iterator[Event], drawn: Mapping[str, Fault], job: Job) -> Iterator[Event]:
    """The events as the drawn faults leave them. Raises CutError, StallError or DieError on the way."""
    for kind, breaker in _BREAKERS.items():
        if kind in drawn:
            events = breaker(events, drawn[kind].after_events, job)
    return events


def bend_body(body: bytes, drawn: Mapping[str, Fault]) -> bytes:
    """A body in one piece under the faults that a stream would have: half of it, or none."""
    if "oom_die" in drawn:
        raise DieError
    if "error_event" in drawn:
        raise errors.engine_dead()
    return body[: len(body) // 2] if "malformed" in drawn else body


def _cut(events: Iterator[Event], after: int, job: Job) -> Iterator[Event]:
    yield from _first(events, after)
    raise CutError


def _stall(events: Iterator[Event], after: int, job: Job) -> Iterator[Event]:
    yield from _first(events, after)
    raise StallError


def _die(events: Iterator[Event], after: int, job: Job) -> Iterator[Event]:
    yield from _first(events, after)
    raise DieError


def _error(events: Iterator[Event], after: int, job: Job) -> Iterator[Event]:
    yield from _first(events, after)
    body: dict[str, Any] = cloud.error_body(500) if job.cloud else errors.engine_dead().body
    yield Event(0, error_event(body))
    yield Event(0, DONE, "done")


def _malformed(events: Iterator[Event], after: int, job: Job) -> Iterator[Event]:
    yield from _first(events, after)
    yield Event(0, _BROKEN)
    yield from events


def _no_done(events: Iterator[Event], after: int, job: Job) -> Iterator[Event]:
    return (event for event in events if event.kind != "done")


def _no_finish(events: Iterator[Event], after: int, job: Job) -> Iterator[Event]:
    for event in events:
        if event.kind == "finish":
            return
        yield event


def _first(events: Iterator[Event], wanted: int) -> Iterator[Event]:
    for _ in range(wanted):
        event = next(events, None)
        if event is None:
            return
        yield event


_Breaker = Callable[[Iterator[Event], int, Job], Iterator[Event]]
_BREAKERS: Mapping[str, _Breaker] = {
    "no_done": _no_done,
    "no_finish": _no_finish,
    "malformed": _malformed,
    "error_event": _error,
    "cut": _cut,
    "stall": _stall,
    "oom_die": _die,
}


def _retry_after(fault: Fault) -> list[Header]:
    wait = fault.retry_after
    if wait is None:
        return []
    if fault.retry_after_as == "date":
        return [(b"retry-after", formatdate(time() + wait, usegmt=True).encode())]
    if fault.retry_after_as == "ms":
        return [(b"retry-after-ms", str(round(wait * 1000)).encode())]
    return [(b"retry-after", str(ceil(wait)).encode())]
