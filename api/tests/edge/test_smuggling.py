"""Requests that two readers may read in two ways: what the edge does not see as a request, no instance gets as one.

Each attempt hides a request for /admin, which the edge serves to nobody, behind one that it serves. It has an id of its
own, by which an instance that got it would tell of it. Then others ask: each gets its own answer.
"""

import contextlib
import itertools
import socket
from collections.abc import Iterator

import pytest

from tests.edge.conftest import Fleet
from tests.edge.edge import Edge, trusting
from tests.edge.http2 import DATA, HEADERS, Fields, ask
from tests.talk import until

PATH = b"/v1/chat/completions"
HIDDEN = b"GET /admin/targets HTTP/1.1\r\nHost: a\r\nX-Request-Id: hidden-%d\r\n\r\n"
CHUNK = b"%x\r\n%b\r\n"
NUMBERS = itertools.count()


def post(*lines: bytes, body: bytes, end: bytes = b"\r\n", version: bytes = b"1.1") -> bytes:
    return end.join((b"POST " + PATH + b" HTTP/" + version, b"Host: a", *lines, b"", body))


def get(*lines: bytes, body: bytes, path: bytes = b"/v1/models") -> bytes:
    return b"\r\n".join((b"GET " + path + b" HTTP/1.1", b"Host: a", *lines, b"", body))


def lengths(hidden: bytes) -> Iterator[tuple[str, bytes]]:
    """A body that one reader thinks is over where the other thinks that it is not: by its length."""
    full = b"%d" % len(hidden)
    for name, line in {
        "zero, then all": b"Content-Length: 0\r\nContent-Length: " + full,
        "all, then zero": b"Content-Length: " + full + b"\r\nContent-Length: 0",
        "a list": b"Content-Length: 0, " + full,
        "a plus": b"Content-Length: +0",
        "in hexadecimal": b"Content-Length: 0x0",
        "a minus": b"Content-Length: -0",
        "blank before the colon": b"Content-Length : " + full,
        "folded": b"Content-Length:\r\n 0",
        "folded away": b"X-A: b\r\n Content-Length: " + full,
        "a NUL": b"Content-Length\x00: " + full,
        "behind a lone CR": b"X-A: b\rContent-Length: " + full,
        "behind a lone LF": b"X-A: b\nContent-Length: " + full,
        "no length at all": b"X-A: b",
        "an underscore": b"Content_Length: " + full,
        "huge": b"Content-Length: 18446744073709551616",
    }.items():
        yield f"length: {name}", post(line, body=hidden)


def codings(hidden: bytes) -> Iterator[tuple[str, bytes]]:
    """The same by the coding of the transfer, against the length."""
    over = b"0\r\n\r\n" + hidden
    full, short = b"Content-Length: %d" % len(over), b"Content-Length: 4"
    yield "CL.TE", post(full, b"Transfer-Encoding: chunked", body=over)
    yield "TE.CL", post(b"Transfer-Encoding: chunked", short, body=CHUNK % (len(hidden), hidden) + b"0\r\n\r\n")
    for name, line in {
        "unknown": b"Transfer-Encoding: xchunked",
        "blank before the colon": b"Transfer-Encoding : chunked",
        "a tab": b"Transfer-Encoding:\tchunked",
        "a vertical tab": b"Transfer-Encoding: \x0bchunked",
        "not the last": b"Transfer-Encoding: chunked, identity",
        "the last": b"Transfer-Encoding: identity, chunked",
        "twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "then another": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "in capitals": b"TRANSFER-ENCODING: CHUNKED",
        "quoted": b'Transfer-Encoding: "chunked"',
        "folded": b"Transfer-Encoding:\r\n chunked",
        "folded away": b"X-A: b\r\n Transfer-Encoding: chunked",
        "behind a lone LF": b"X-A: b\nTransfer-Encoding: chunked",
        "behind a lone CR": b"X-A: b\rTransfer-Encoding: chunked",
        "an underscore": b"Transfer_Encoding: chunked",
    }.items():
        yield f"coding: {name}", post(full, line, body=over)
        yield f"coding: {name}, no length", post(line, body=over)


def chunks(hidden: bytes) -> Iterator[tuple[str, bytes]]:
    """Chunks whose size or end can be read in two ways."""
    for name, body in {
        "an extension": b"0;a=b\r\n\r\n" + hidden,
        "an extension with a lone LF": b"0;a\nb\r\n\r\n" + hidden,
        "a quoted extension": b'1;a="\r\n\r\n"\r\nZ\r\n0\r\n\r\n' + hidden,
        "a lone LF": b"0\n\n" + hidden,
        "a lone LF behind data": b"1\r\nZ\n0\r\n\r\n" + hidden,
        "no end of the data": b"1\r\nZZ0\r\n\r\n" + hidden,
        "in hexadecimal": b"0x0\r\n\r\n" + hidden,
        "a minus": b"-0\r\n\r\n" + hidden,
        "blank": b"0 \r\n\r\n" + hidden,
        "too many digits": b"0" * 40 + b"\r\n\r\n" + hidden,
        "too large": b"ffffffffffffffff1\r\n" + hidden,
        "wraps round": b"10000000000000000\r\n" + hidden,
        "a trailer": b"0\r\nContent-Length: 5\r\n\r\n" + hidden,
        "a trailer without end": b"0\r\nX-A: " + hidden,
    }.items():
        yield f"chunk: {name}", post(b"Transfer-Encoding: chunked", body=body)


def others(hidden: bytes) -> Iterator[tuple[str, bytes]]:
    length = b"Content-Length: %d" % len(hidden)
    yield "lines that end in LF", post(length, body=hidden, end=b"\n")
    yield "lines that end in CR", post(length, body=hidden, end=b"\r")
    yield "HTTP/1.0 in chunks", post(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + hidden, version=b"1.0")
    yield "HTTP/1.0 kept", post(b"Connection: keep-alive", body=hidden, version=b"1.0")
    yield "version", post(b"Content-Length: 0", body=hidden, version=b"1.1 HTTP/1.1")
    yield "expectation", post(length, b"Expect: 100-continue", body=hidden)
    yield "upgrade", post(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMA", body=hidden)
    yield "tunnel", b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n" + hidden
    yield "websocket", get(b"Connection: upgrade", b"Upgrade: websocket", body=hidden)
    yield "a GET with a body", get(length, body=hidden)
    yield "a HEAD with a body", get(length, body=hidden).replace(b"GET", b"HEAD", 1)
    yield "in the path", get(body=hidden, path=b"/v1/models%20HTTP/1.1%0d%0a%0d%0a")
    yield "in the query", get(body=hidden, path=b"/v1/models?a=%0d%0a%0d%0aGET%20/admin")
    yield "in the host", get(body=hidden).replace(b"Host: a", b"Host: a\x00b", 1)
    yield "a header stripped", post(length, b"Connection: Content-Length", body=hidden)
    yield "an empty line before", b"\r\n" + post(length, body=hidden)


def downgraded(hidden: bytes) -> Iterator[tuple[str, Fields, bytes]]:
    """Over HTTP/2, what would be more than it is as HTTP/1.1."""
    usual: Fields = [(b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"a"), (b":path", PATH)]
    inside = b"a\r\n\r\n" + hidden
    for name, fields in {
        "a coding": [*usual, (b"transfer-encoding", b"chunked")],
        "length zero": [*usual, (b"content-length", b"0")],
        "length short": [*usual, (b"content-length", b"3")],
        "length long": [*usual, (b"content-length", b"%d" % (len(hidden) + 50))],
        "two lengths": [*usual, (b"content-length", b"0"), (b"content-length", b"%d" % len(hidden))],
        "lines in a value": [*usual, (b"x-a", inside)],
        "lines in a name": [*usual, (b"x-a: b\r\n\r\n" + hidden, b"c")],
        "a colon in a name": [*usual, (b"transfer-encoding: chunked\r\nx", b"c")],
        "capitals": [*usual, (b"Transfer-Encoding", b"chunked")],
        "lines in the path": [*usual[:3], (b":path", b"/v1/models HTTP/1.1\r\nHost: a\r\n\r\n" + hidden)],
        "blanks in the path": [*usual[:3], (b":path", b"/v1/models HTTP/1.1\tx /admin/targets")],
        "lines in the method": [(b":method", hidden + b"GET"), *usual[1:]],
        "lines in the authority": [*usual[:2], (b":authority", inside), usual[3]],
        "lines in the scheme": [usual[0], (b":scheme", b"https://a/admin/targets?"), *usual[2:]],
        "another path": [*usual, (b":path", b"/admin/targets")],
        "a connection": [*usual, (b"connection", b"upgrade"), (b"upgrade", b"h2c")],
    }.items():
        yield name, fields, hidden
        if name == "lines in a value":
            yield "no body", fields, b""


ATTEMPTS = [name for make in (lengths, codings, chunks, others) for name, _ in make(b"")]
DOWNGRADES = [name for name, _, _ in downgraded(b"")]


@pytest.fixture(scope="module")
def edge(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """Before one instance, so that whoever asks next may get the connection that another has spoiled."""
    with Edge(tmp_path_factory.mktemp("edge"), {"blue": fleet.addresses[:1]}, EDGE_WORKERS="1") as one:
        yield one


def sent(edge: Edge, raw: bytes) -> bytes:
    """What comes back until it ends, or for a moment."""
    answer = b""
    plain = socket.create_connection(("127.0.0.1", edge.port), 10)
    with trusting().wrap_socket(plain) as connection, contextlib.suppress(OSError):
        connection.settimeout(0.1)
        connection.sendall(raw)
        while part := connection.recv(65536):
            answer += part
    return answer


def check_the_others(edge: Edge, fleet: Fleet, number: int) -> None:
    """They get what they asked for, and the instance tells of nothing that was hidden."""
    with edge.client() as client:
        for turn in range(2):
            own = f"other-{number}-{turn}"
            answer = client.http.get("/v1/models", headers={"x-request-id": own})
            assert (answer.status_code, answer.headers["x-request-id"]) == (200, own)
            assert answer.json()["object"] == "list"
    instance = fleet.gateways[0]
    instance.wait_for(lambda line: line.get("request_id") == f"other-{number}-1")
    assert [line for line in instance.requests() if line["request_id"].startswith("hidden-")] == []
    assert [line for line in instance.requests() if line["surface"] == "admin"] == []


@pytest.mark.parametrize("name", ATTEMPTS)
def test_no_request_hides_in_another(edge: Edge, fleet: Fleet, name: str) -> None:
    number = next(NUMBERS)
    hidden = HIDDEN % number
    raw = dict(itertools.chain(*(make(hidden) for make in (lengths, codings, chunks, others))))[name]
    answer = sent(edge, raw)
    assert b"in_flight" not in answer, "the list of targets"
    check_the_others(edge, fleet, number)


@pytest.mark.parametrize("name", DOWNGRADES)
def test_none_hides_in_one_of_http2(edge: Edge, fleet: Fleet, name: str) -> None:
    number = next(NUMBERS)
    fields, body = {each: (fields, body) for each, fields, body in downgraded(HIDDEN % number)}[name]
    assert ask(edge.port, trusting(), fields, body)
    check_the_others(edge, fleet, number)


def test_the_attempts_would_be_seen(edge: Edge, fleet: Fleet) -> None:
    """The same request is told of where it is one; and HTTP/2 written by hand is understood."""
    own = next(NUMBERS)
    served = (HIDDEN % own).replace(b"/admin/targets", b"/v1/models").replace(b"hidden", b"seen")
    assert sent(edge, served).startswith(b"HTTP/1.1 200 ")
    fleet.gateways[0].wait_for(lambda line: line.get("request_id") == f"seen-{own}")
    usual: Fields = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a"), (b":path", b"/v1/models")]
    assert {HEADERS, DATA} < set(ask(edge.port, trusting(), [*usual, (b"x-request-id", b"seen-by-2")]))
    until(lambda: any(line["request_id"] == "seen-by-2" for line in fleet.gateways[0].requests()))


def test_a_request_that_was_given_up_is_told_in_json(edge: Edge) -> None:
    """nginx has no status for it."""
    _, fields, body = next(each for each in downgraded(b"") if each[0] == "lines in a value")
    before = len(edge.lines)
    ask(edge.port, trusting(), fields, body)
    until(lambda: [line for line in edge.lines[before:] if line["status"] == 0 and line["protocol"] == "HTTP/2.0"])
