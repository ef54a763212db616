"""What the front tells of a request whose answer the server will not send."""

import asyncio
import io

import orjson
import pytest
from penstock.surfaces.cold import Receive, Scope, Send
from penstock.surfaces.cors import Cors
from penstock.surfaces.front import Front
from penstock.surfaces.visit import Visit
from penstock.surfaces.wire import Wire
from penstock.telemetry.journal import Journal
from penstock.telemetry.lines import Lines
from penstock.telemetry.logging import logger_to
from penstock.telemetry.metrics import Metrics
from tests.door import door


class Refusing:
    """A connection that takes nothing."""

    writable = True

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()

    def about(self, name: str) -> object:
        return None

    def write(self, data: bytes) -> None:
        raise ValueError("not this")

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def answered(self, *, keep_alive: bool) -> None: ...

    def standing_headers(self) -> bytes:
        return b""


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("no route of its own is asked for")


async def answer(visit: Visit) -> None:
    visit.respond(200, [(b"x-odd", b"a\r\nb")], b"")


async def test_an_answer_that_the_server_refuses_is_told_as_a_bug() -> None:
    written = io.BytesIO()
    lines = Lines(written)
    log = logger_to(lines)
    front = Front(nothing, {"/hot": ("chat", answer)}, door(), Journal(Metrics(), lines), log, 1.0, Cors(()))
    asked = ("POST", "/hot", b"")
    with pytest.raises(ValueError, match="not this"):
        await front.answer(Wire(Refusing(), asked, {b"x-request-id": b"odd"}, "1.1", keep_alive=True))
    lines.close()
    bug, request = map(orjson.loads, written.getvalue().splitlines())
    assert (bug["event"], bug["request_id"]) == ("bug", "odd")
    assert (request["status"], request["outcome"], request["code"]) == (500, "bug", "internal_error")
    assert not front.visits
