"""What the front tells of a request whose answer the server will not send."""

import io

import orjson
import pytest
from penstock.surfaces.auth import Doorkeeper
from penstock.surfaces.front import Front
from penstock.surfaces.visit import Message, Receive, Scope, Send, Visit
from penstock.telemetry.lines import Lines
from penstock.telemetry.logging import logger_to
from penstock.telemetry.metrics import Metrics
from penstock.telemetry.record import Journal

SCOPE: Scope = {"type": "http", "method": "POST", "path": "/hot", "headers": [(b"x-request-id", b"odd")]}


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("no route of its own is asked for")


async def receive() -> Message:
    raise AssertionError("nothing is read")


async def refuse(message: Message) -> None:
    raise RuntimeError("Invalid HTTP header value.")  # as uvicorn does


async def answer(visit: Visit) -> None:
    await visit.respond(200, [(b"x-odd", b"a\r\nb")], b"")


async def test_an_answer_that_the_server_refuses_is_told_as_a_bug() -> None:
    written = io.BytesIO()
    lines = Lines(written)
    log = logger_to(lines)
    front = Front(nothing, {"/hot": ("chat", answer)}, Doorkeeper((), ()), Journal(Metrics(), lines), log, 1.0)
    with pytest.raises(RuntimeError):
        await front(SCOPE, receive, refuse)
    lines.close()
    bug, request = map(orjson.loads, written.getvalue().splitlines())
    assert (bug["event"], bug["request_id"]) == ("bug", "odd")
    assert (request["status"], request["outcome"], request["code"]) == (500, "bug", "internal_error")
    assert not front.visits
