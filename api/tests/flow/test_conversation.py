"""What HTTP/1.1 lets a client do with one connection, byte by byte (RFC 9112)."""

import json
import random
import socket
from collections.abc import Iterator

import pytest
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import CHAT, HELLO, dial, everything

BYE = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with (
        Simulator("--speed", "inf") as replica,
        Gateway(tmp_path_factory.mktemp("gateway"), one_model([replica.url])) as process,
    ):
        yield process


def chat(request_id: str, *, chunked: bool = False, expects: bool = False, **more: object) -> tuple[bytes, bytes]:
    """A chat's head and body."""
    body = json.dumps({"model": "tiny", "messages": HELLO, "max_tokens": 4, **more}).encode()
    length = b"transfer-encoding: chunked" if chunked else b"content-length: %d" % len(body)
    expect = b"expect: 100-continue\r\n" if expects else b""
    head = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-request-id: %b\r\n%b%b\r\n\r\n"
    if chunked:
        half = len(body) // 2
        parts = (body[:half], body[half:])
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\nx-trailer: 1\r\n\r\n"
    return head % (CHAT.encode(), request_id.encode(), expect, length), body


def answers(told: bytes) -> list[tuple[int, dict[bytes, bytes], bytes]]:
    """Each answer's status, headers and body, framed by its length or by chunks; nothing may be left."""
    found = []
    while told:
        head, _, told = told.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines)
        if b"content-length" in headers:
            size = int(headers[b"content-length"])
            body, told = told[:size], told[size:]
        else:
            assert headers[b"transfer-encoding"] == b"chunked"
            body = b""
            while True:
                size_line, _, told = told.partition(b"\r\n")
                size = int(size_line, 16)
                part, told = told[:size], told[size + 2 :]
                if not size:
                    break
                body += part
        found.append((int(status.split()[1]), headers, body))
    return found


def test_requests_that_come_at_once_are_answered_in_their_order(gateway: Gateway) -> None:
    asked = [
        chat("a"),
        chat("b", stream=True),
        chat("c", chunked=True),
        chat("d", model="none"),
        chat("e", stream=True),
    ]
    with dial(gateway.url) as connection:
        connection.sendall(b"".join(head + body for head, body in asked) + BYE)
        told = answers(everything(connection))
    assert [status for status, _, _ in told] == [200, 200, 200, 404, 200, 200]
    assert [headers[b"x-request-id"] for _, headers, _ in told[:5]] == [b"a", b"b", b"c", b"d", b"e"]
    assert told[1][2].endswith(b"data: [DONE]\n\n")
    assert told[4][2].endswith(b"data: [DONE]\n\n")
    assert all(b"date" in headers for _, headers, _ in told)


@pytest.mark.parametrize("seed", range(8))
def test_requests_may_come_in_any_pieces(gateway: Gateway, seed: int) -> None:
    chance = random.Random(seed)
    sent = b"".join(head + body for head, body in (chat("a", chunked=True), chat("b", stream=True), chat("c"))) + BYE
    cuts = sorted(chance.sample(range(1, len(sent)), 12))
    with dial(gateway.url) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
            connection.sendall(sent[start:end])
        told = answers(everything(connection))
    assert [status for status, _, _ in told] == [200, 200, 200, 200]
    assert [headers[b"x-request-id"] for _, headers, _ in told[:3]] == [b"a", b"b", b"c"]


def test_one_that_waits_to_be_told_to_go_on_is_told(gateway: Gateway) -> None:
    head, body = chat("a", expects=True)
    with dial(gateway.url) as connection:
        connection.sendall(head)
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body + BYE)
        assert [status for status, _, _ in answers(everything(connection))] == [200, 200]


def test_one_that_does_not_wait_is_not_told(gateway: Gateway) -> None:
    head, body = chat("a", expects=True)
    with dial(gateway.url) as connection:
        connection.sendall(head + body + BYE)
        assert [status for status, _, _ in answers(everything(connection))] == [200, 200]


def test_one_that_is_refused_by_its_head_is_told_at_once(gateway: Gateway) -> None:
    head, _ = chat("a", expects=True)
    with dial(gateway.url) as connection:
        connection.sendall(head.replace(b"application/json", b"text/plain"))
        assert connection.recv(1000).startswith(b"HTTP/1.1 415 ")


def test_a_body_that_comes_after_its_refusal_is_no_request(gateway: Gateway) -> None:
    head, body = chat("a")
    with dial(gateway.url) as connection:
        connection.sendall(head.replace(b"application/json", b"text/plain"))
        refused = connection.recv(5000)
        connection.sendall(body + BYE)
        told = answers(refused + everything(connection))
    assert [status for status, _, _ in told] == [415, 200]


def test_a_head_is_all_that_head_gets(gateway: Gateway) -> None:
    with dial(gateway.url) as connection:
        connection.sendall(b"HEAD /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" + BYE)
        told = everything(connection)
    head, rest = told.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 ")
    assert rest.startswith(b"HTTP/1.1 200 ")


def test_after_close_nothing_is_answered(gateway: Gateway) -> None:
    with dial(gateway.url) as connection:
        connection.sendall(BYE + BYE)
        assert [status for status, _, _ in answers(everything(connection))] == [200]


@pytest.mark.parametrize("upgrade", [b"", b"connection: upgrade\r\nupgrade: h2c\r\n"])
def test_no_more_than_a_few_may_wait(gateway: Gateway, upgrade: bytes) -> None:
    """The others are not answered: the connection ends with the last that may."""
    ask = b"GET /health/live HTTP/1.1\r\nhost: x\r\n" + upgrade + b"\r\n"
    with dial(gateway.url) as connection:
        connection.sendall(ask * 3000)
        told = answers(everything(connection))
    assert {status for status, _, _ in told} == {200}
    assert 1 < len(told) <= 34
    assert told[-1][1][b"connection"] == b"close"


def test_what_follows_a_request_and_is_none_spoils_nothing(gateway: Gateway) -> None:
    """The connection ends with the answer."""
    first, second = chat("a", stream=True), chat("b")
    with dial(gateway.url) as connection:
        connection.sendall(b"".join((*first, *second)) + b"}}\r\n" + BYE)
        told = answers(everything(connection))
    assert [headers[b"x-request-id"] for _, headers, _ in told] == [b"a", b"b"]
    assert told[0][2].endswith(b"data: [DONE]\n\n")
    assert told[1][1][b"connection"] == b"close"


def test_a_body_that_breaks_after_its_refusal_gets_no_second_answer(gateway: Gateway) -> None:
    head, _ = chat("a", chunked=True)
    with dial(gateway.url) as connection:
        connection.sendall(head.replace(b"application/json", b"text/plain"))
        refused = connection.recv(5000)
        connection.sendall(b"no size\r\n")
        assert [status for status, _, _ in answers(refused + everything(connection))] == [415]


@pytest.mark.parametrize("target", ["http://x", "http://x?a=b", "http://x/", "/"])
def test_a_target_may_be_a_whole_url(gateway: Gateway, target: str) -> None:
    with dial(gateway.url) as connection:
        connection.sendall(b"GET %b HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n" % target.encode())
        ((status, headers, _),) = answers(everything(connection))
    assert (status, headers[b"content-type"]) == (200, b"text/html; charset=utf-8")


def test_http_1_0_is_not_told_to_go_on(gateway: Gateway) -> None:
    head, body = chat("a", expects=True)
    with dial(gateway.url) as connection:
        connection.sendall(head.replace(b"HTTP/1.1", b"HTTP/1.0"))
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1000)
        connection.settimeout(15)
        connection.sendall(body)
        assert [status for status, _, _ in answers(everything(connection))] == [200]


@pytest.mark.parametrize("version", ["0.9", "2.0"])
def test_another_version_is_not_kept(gateway: Gateway, version: str) -> None:
    ask = f"GET /health/live HTTP/{version}\r\nconnection: keep-alive\r\n\r\n"
    with dial(gateway.url) as connection:
        connection.sendall(ask.encode())
        assert [status for status, _, _ in answers(everything(connection))] == [200]
