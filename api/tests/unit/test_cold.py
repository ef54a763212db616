"""What FastAPI answers goes out as it is ready."""

import asyncio

import pytest
from penstock.surfaces.cold import Receive, Scope, Send, through
from penstock.surfaces.visit import Visit
from penstock.surfaces.wire import Wire
from tests.line import Line


@pytest.mark.parametrize(("headers", "out"), [([], True), ([(b"content-length", b"1")], False)])
async def test_a_stream_s_head_does_not_wait_for_its_body_but_a_sized_answer_s_does(
    headers: list[tuple[bytes, bytes]], out: bool
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert bool(line.written) is out
        await send({"type": "http.response.body", "body": b"a"})

    line = Line()
    wire = Wire(line, ("GET", "/status", b""), {}, "1.1", keep_alive=True)
    await through(app, Visit(wire, "other"), 1.0)
    assert wire.answered
    assert len(line.written) == 1 + out
