"""A stream's way out: how its events are written, and in how many pieces."""

from typing import Any

import pytest
from penstock.surfaces.functions import TypedStream
from penstock.surfaces.openai import Verbatim
from penstock.surfaces.shape import Outlet
from penstock.surfaces.wire import Wire
from penstock.upstream.alarm import Alarm
from penstock.upstream.chat_events import ChatEvents
from penstock.upstream.chunks import framed
from penstock.upstream.exchange import Exchange
from penstock.upstream.stream import Stream
from tests.line import Line

EVENT = b'data: {"a":1}\n\n'


class Events:
    """What a function makes of events: nothing yet."""

    def event(self, event: bytes) -> bytes:
        return b""


def verbatim(line: Line) -> Verbatim:
    exchange = Exchange(line, Alarm(line.loop), reused=False)
    return Verbatim(Stream(exchange, ChatEvents(1), between_s=5, deadline=5, wants_usage=False))


def answering(line: Line, version: str = "1.1") -> Wire:
    wire = Wire(line, ("POST", "/v1/chat/completions", b""), {}, version, keep_alive=True)
    wire.start(200, [(b"content-type", b"text/event-stream")])
    return wire


async def test_a_chunk_goes_on_as_it_came_once_the_head_is_out() -> None:
    line = Line()
    outlet = Outlet(answering(line), verbatim(line))
    came = b"f\r\n" + EVENT + b"\r\n"
    outlet.pass_on(EVENT, came)
    assert line.written[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert line.written[0].endswith(b"\r\n\r\n" + framed(EVENT))
    outlet.pass_on(EVENT, came)
    assert line.written[1] is came
    outlet.pass_on(EVENT, b"")
    assert line.written[2] == framed(EVENT)


async def test_who_knows_no_chunks_gets_none() -> None:
    line = Line()
    outlet = Outlet(answering(line, "1.0"), verbatim(line))
    for _ in range(2):
        outlet.pass_on(EVENT, framed(EVENT))
    assert line.written[0].endswith(b"\r\n\r\n" + EVENT)
    assert line.written[1:] == [EVENT]


async def test_nothing_is_written_to_who_is_gone() -> None:
    line = Line()
    outlet = Outlet(wire := answering(line), verbatim(line))
    outlet.pass_on(EVENT, framed(EVENT))
    wire.lost()
    outlet.pass_on(EVENT, framed(EVENT))
    outlet.take([EVENT], False)
    assert len(line.written) == 1


async def test_the_last_events_wait_for_the_end_unless_the_client_is_behind() -> None:
    line = Line()
    outlet = Outlet(answering(line), verbatim(line))
    outlet.take([EVENT], False)
    outlet.take([EVENT, EVENT], True)
    assert (len(line.written), outlet.last) == (1, EVENT + EVENT)
    line.writable = False
    outlet.last = b""
    outlet.take([EVENT], True)
    assert (line.written[1:], outlet.last) == ([framed(EVENT)], b"")


async def test_the_head_goes_out_even_if_a_function_holds_the_first_events_back() -> None:
    line = Line()
    partials: Any = Events()
    outlet = Outlet(answering(line), TypedStream(partials))
    outlet.pass_on(EVENT, framed(EVENT))
    assert len(line.written) == 1
    assert line.written[0].endswith(b"\r\n\r\n")
    outlet.pass_on(EVENT, framed(EVENT))
    assert len(line.written) == 1


@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_the_end_is_one_write(version: str) -> None:
    line = Line()
    outlet = Outlet(wire := answering(line, version), verbatim(line))
    outlet.take([EVENT], False)
    outlet.take([EVENT], True)
    wire.finish(outlet.last + b"data: [DONE]\n\n")
    whole = EVENT + b"data: [DONE]\n\n"
    assert line.written[1:] == [framed(whole) + b"0\r\n\r\n" if version == "1.1" else whole]
