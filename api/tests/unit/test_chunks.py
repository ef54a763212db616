"""A chunk is read at a glance only where the parser would read the same, and nothing is left of it."""

import asyncio
from itertools import pairwise
from typing import Any, cast

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from penstock.upstream.chunks import SHORT, alone, framed
from penstock.upstream.connection import Connection
from penstock.upstream.wire_errors import Cut, WireError
from tests.asking import into

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


class Parsed:
    """What httptools makes of a whole response."""

    def __init__(self, response: bytes) -> None:
        self.body, self.done = b"", False
        httptools.HttpResponseParser(self).feed_data(response)

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.done = True


@pytest.mark.parametrize("size", [1, 9, 10, 15, 16, 17, 255, 256, 257, SHORT - 1, SHORT, 70_000])
def test_a_chunk_is_what_the_parser_reads(size: int) -> None:
    data = b"x" * size
    parsed = Parsed(HEAD + framed(data) + END)
    assert (parsed.body, parsed.done) == (data, True)
    assert alone(framed(data)) == (data if size < SHORT else b"")


@pytest.mark.parametrize(
    "data",
    [
        *(b"", END, b"1\r\na", b"1\r\na\r", b"1\r\naa\r", b"01\r\na\r\n", b"A\r\n0123456789\r\n", b"1;x\r\na\r\n"),
        *(b"1\r\na\r\n1\r\nb\r\n", b" 1\r\na\r\n", b"1\na\n", b"\r\n", b"data: a\n\n"),
    ],
)
def test_what_is_not_plain_or_not_whole_is_left_to_the_parser(data: bytes) -> None:
    assert alone(data) == b""


@given(st.binary(max_size=60))
def test_whatever_is_taken_for_a_chunk_is_one(data: bytes) -> None:
    if chunk := alone(data):
        parsed = Parsed(HEAD + data + END)
        assert (parsed.body, parsed.done) == (chunk, True)


class Transport:
    """What a connection asks of its transport here: nothing that matters."""

    closing = False

    def write(self, data: bytes) -> None: ...

    def abort(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def read(reads: list[bytes]) -> tuple[bytes, list[WireError | None]]:
    """The body that a connection makes of these reads, and how it ended."""
    loop = asyncio.new_event_loop()
    body, ends = bytearray(), list[WireError | None]()
    try:
        connection = Connection(loop, lambda it: None, lambda it: None)
        connection.connection_made(cast(Any, Transport()))
        exchange = connection.send(b"", b"", reused=False)
        exchange.pour(lambda data, framed: body.extend(data), ends.append)
        for each in reads:
            if not ends:
                connection.data_received(each)
    finally:
        loop.close()
    return bytes(body), ends


CHUNKS = st.lists(st.sampled_from([b"a", b"\r\n", b"5\r\nabcde\r\n", b"0\r\n\r\n", b"c", b"x" * 20]), max_size=6)


@given(CHUNKS, st.lists(st.integers(0, 160), max_size=6))
@example([b"a", b"x" * 20, b"b"], [len(HEAD) + 7, len(HEAD) + 8])
@example([b"a", b"abcde\r\n" + b"x" * 14], [len(HEAD) + 7, len(HEAD) + 17])  # of the line `15`, `1` is read before
@example([b"a", b"0\r\n\r\n"], [len(HEAD) + 6, len(HEAD) + 9])
def test_it_does_not_matter_where_reads_are_cut(chunks: list[bytes], cuts: list[int]) -> None:
    response = HEAD + b"".join(map(framed, chunks)) + END
    edges = [0, *sorted({cut for cut in cuts if cut < len(response)}), len(response)]
    reads = [response[a:b] for a, b in pairwise(edges)]
    assert read(reads) == (b"".join(chunks), [None])


def test_a_chunk_is_no_answer_to_the_next_request() -> None:
    loop = asyncio.new_event_loop()
    try:
        connection = Connection(loop, lambda it: None, lambda it: None)
        connection.connection_made(cast(Any, Transport()))
        for reads, body, ended in (([HEAD, framed(b"a"), END], b"a", type(None)), ([framed(b"abcde")], b"", Cut)):
            got, ends = list[bytes](), list[WireError | None]()
            connection.send(b"", b"", reused=False).pour(into(got), ends.append)
            for each in reads:
                connection.data_received(each)
            assert (b"".join(got), [type(end) for end in ends]) == (body, [ended])
    finally:
        loop.close()


def test_a_connection_is_free_for_another_request_when_the_last_bytes_are_handed_on() -> None:
    loop = asyncio.new_event_loop()
    try:
        released: list[Connection] = []
        connection = Connection(loop, released.append, lambda it: None)
        connection.connection_made(cast(Any, Transport()))
        free: list[bool] = []
        exchange = connection.send(b"", b"", reused=False)
        exchange.pour(lambda data, framed: free.append(bool(released)), lambda error: None)
        connection.data_received(HEAD + framed(b"a"))
        connection.data_received(framed(b"b") + END)
        assert free == [False, True]
        exchange.close()
        assert connection.usable, "it is another's by now"
    finally:
        loop.close()


async def test_who_waits_for_an_exchange_that_is_given_up_is_told() -> None:
    connection = Connection(asyncio.get_running_loop(), lambda it: None, lambda it: None)
    connection.connection_made(cast(Any, Transport()))
    exchange = connection.send(b"", b"", reused=False)
    waiting = asyncio.create_task(exchange.read(asyncio.get_running_loop().time() + 60))
    await asyncio.sleep(0)
    exchange.close()
    for wait in (waiting, exchange.read(asyncio.get_running_loop().time() + 60)):
        with pytest.raises(Cut, match="given up"):
            await wait


@given(CHUNKS, st.integers(1, 3), st.sampled_from([b"c", b"c5", b"1;x", b"1\r\nab", b"\r\n", b"g", b"5\r", b"0\r\n"]))
def test_what_is_not_http_after_a_chunk_does_not_pass_for_one(chunks: list[bytes], again: int, odd: bytes) -> None:
    """Read by read, the same as in one piece."""
    reads = [HEAD, *map(framed, chunks), odd, *[framed(b"abcde")] * again]
    body, ends = read(reads)
    whole_body, whole_ends = read([b"".join(reads)])
    assert [type(end) for end in ends] == [type(end) for end in whole_ends]
    assert body.startswith(whole_body) or whole_body.startswith(body)
    if not ends:
        assert body == whole_body
