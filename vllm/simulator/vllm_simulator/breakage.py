"""What faults do to an answer: to the events of a stream, to a body in one piece, to a status line."""

from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from math import ceil
from time import time

from vllm_simulator import cloud, errors
from vllm_simulator.bodies import Body
from vllm_simulator.errors import ApiError, Header
from vllm_simulator.faults import Fault
from vllm_simulator.job import Event, Job
from vllm_simulator.shape import DONE, error_event

PAGE = b"<html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>"
_BROKEN = b'data: {"id":"chatcmpl-broken","object":"chat.compl\n\n'
_FORMS = ("response_format", "structured_outputs", "text")
_TITLES = {
    400: ("The request was refused.", "BadRequestError"),
    401: ("Unauthorized", "AuthenticationError"),
    403: ("Forbidden", "PermissionDeniedError"),
    404: ("The model does not exist.", "NotFoundError"),
    429: ("Too many requests", "RateLimitError"),
}


class CutError(Exception):
    """The stream breaks here: the connection is closed."""


class StallError(Exception):
    """The stream goes silent here."""


class DieError(Exception):
    """The engine dies here, and the process with it."""


def failure(fault: Fault, role: str) -> ApiError:
    """The answer that a `status` or an `error_event` fault gives."""
    status = fault.status
    if role == "cloud":
        error = ApiError(status, cloud.error_body(status))
    elif status == 503:
        error = errors.busy() if fault.shape == "busy" else ApiError(status, {"detail": "Service Unavailable"})
    elif status == 500:
        error = errors.engine_dead()
    else:
        text, kind = _TITLES.get(status, ("The request failed.", "InternalServerError"))
        error = errors.api_error(status, text, kind)
    return ApiError(status, error.body, _retry_after(fault))


def misheard(body: Body, drawn: Mapping[str, Fault]) -> Body:
    """The request as the drawn faults let the engine hear it."""
    if "babble" in drawn:
        body = {name: value for name, value in body.items() if name not in _FORMS}
    if "brief" in drawn:
        body = {**body, "max_completion_tokens": drawn["brief"].after_events}
    return body


def bend(events: Iterator[Event], drawn: Mapping[str, Fault], job: Job) -> Iterator[Event]:
    """The events as the drawn faults leave them. Raises CutError, StallError or DieError on the way."""
    for kind, breaker in _BREAKERS.items():
        if kind in drawn:
            events = breaker(events, drawn[kind], job)
    return events


def fail(drawn: Mapping[str, Fault], role: str) -> None:
    """Raises what the drawn faults make of an answer that would have come in one piece."""
    if "oom_die" in drawn:
        raise DieError
    if "error_event" in drawn:
        raise failure(drawn["error_event"], role)


def _cut(events: Iterator[Event], fault: Fault, job: Job) -> Iterator[Event]:
    yield from _first(events, fault)
    raise CutError


def _stall(events: Iterator[Event], fault: Fault, job: Job) -> Iterator[Event]:
    yield from _first(events, fault)
    raise StallError


def _die(events: Iterator[Event], fault: Fault, job: Job) -> Iterator[Event]:
    yield from _first(events, fault)
    raise DieError


def _error(events: Iterator[Event], fault: Fault, job: Job) -> Iterator[Event]:
    yield from _first(events, fault)
    yield Event(0, error_event(failure(fault, job.settings.role).body))
    yield Event(0, DONE, "done")


def _malformed(events: Iterator[Event], fault: Fault, job: Job) -> Iterator[Event]:
    yield from _first(events, fault)
    yield Event(0, _BROKEN)
    yield from events


def _no_done(events: Iterator[Event], fault: Fault, job: Job) -> Iterator[Event]:
    return (event for event in events if event.kind != "done")


def _no_finish(events: Iterator[Event], fault: Fault, job: Job) -> Iterator[Event]:
    for event in events:
        if event.kind == "finish":
            return
        yield event


def _first(events: Iterator[Event], fault: Fault) -> Iterator[Event]:
    for _ in range(fault.after_events):
        event = next(events, None)
        if event is None:
            return
        yield event


_Breaker = Callable[[Iterator[Event], Fault, Job], Iterator[Event]]
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
