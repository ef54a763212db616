"""What no HTTP client would send, byte by byte: no target hears of it, and no connection is held for it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import CHAT, dial, everything

LIMIT = 64 * 1024
ENDLESS = 32 * 2**20
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "100") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def gateway(replica: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = one_model([replica.url], max_body_bytes=LIMIT, body_timeout_s=0.5)
    with Gateway(tmp_path_factory.mktemp("gateway"), settings) as process:
        yield process


@pytest.fixture(autouse=True)
def _no_target_hears_of_it(replica: Simulator) -> Iterator[None]:
    def asked() -> int:
        counts = replica.state()["requests"]
        return sum(count for path, count in counts.items() if path.startswith("/v1/"))

    before = asked()
    yield
    assert asked() == before


@pytest.mark.parametrize("path", [CHAT, "/v1/functions/ClassifyTicket", "/admin/targets"])
def test_a_body_that_says_it_is_too_large_is_not_waited_for(gateway: Gateway, path: str) -> None:
    with dial(gateway.url) as connection:
        head = (
            f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {LIMIT + 1}\r\n\r\n"
        )
        connection.sendall(head.encode())
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_too_large"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(HEAD + b"content-length: 2\r\ncontent-length: 2\r\n\r\n{}", id="two lengths"),
        pytest.param(HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}", id="two different lengths"),
        pytest.param(HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", id="length, chunks"),
        pytest.param(HEAD + b"content-length: -1\r\n\r\n", id="negative length"),
        pytest.param(HEAD + b"content-length: 1e3\r\n\r\n", id="length that is no number"),
        pytest.param(b"POST / HTTP/9.9\r\n\r\n", id="version"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"nonsense\r\n\r\n", id="nonsense"),
        pytest.param(HEAD + b"x-a: b\x00c\r\ncontent-length: 2\r\n\r\n{}", id="NUL in a header"),
        pytest.param(HEAD + b"content-length: 0, 2\r\n\r\n{}", id="a list of lengths"),
        pytest.param(HEAD + b"content-length: +2\r\n\r\n{}", id="length with a plus"),
        pytest.param(HEAD + b"content-length : 2\r\n\r\n{}", id="blank before the colon"),
        pytest.param(HEAD + b"x-a: b\r\n content-length: 2\r\n\r\n{}", id="a header folded"),
        pytest.param(HEAD + b"x-a: b\rcontent-length: 2\r\n\r\n{}", id="CR alone"),
        pytest.param(HEAD + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n", id="chunked, but not at last"),
        pytest.param(HEAD.replace(b"\r\n", b"\n") + b"content-length: 2\n\n{}", id="lines that end in LF"),
        pytest.param(HEAD + b"content-length\t: 2\r\n\r\n{}", id="tab before the colon"),
        pytest.param(HEAD + b"con tent: 2\r\n\r\n{}", id="blank in a name"),
    ],
)
def test_what_is_not_http(gateway: Gateway, sent: bytes) -> None:
    with dial(gateway.url) as connection:
        connection.sendall(sent)
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("path", [CHAT, "/admin/targets"])
def test_a_body_in_chunks_that_is_too_large(gateway: Gateway, path: str) -> None:
    with dial(gateway.url) as connection:
        chunk = b"%x\r\n%b\r\n" % (LIMIT + 1, b"[" * (LIMIT + 1))
        connection.sendall(HEAD.replace(CHAT.encode(), path.encode()) + b"transfer-encoding: chunked\r\n\r\n" + chunk)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_one_that_sends_on_after_its_refusal_finds_it(gateway: Gateway) -> None:
    with dial(gateway.url) as connection:
        connection.sendall(HEAD + b"content-length: %d\r\n\r\n" % ENDLESS)
        for _ in range(ENDLESS // 2**20):
            connection.sendall(b" " * 2**20)
        assert everything(connection).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", [CHAT, "/admin/targets"])
def test_a_slow_body(gateway: Gateway, path: str) -> None:
    with dial(gateway.url) as connection:
        connection.sendall(HEAD.replace(CHAT.encode(), path.encode()) + b"content-length: 100\r\n\r\n{")
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"request_timeout"' in answer


def test_slow_headers(gateway: Gateway) -> None:
    """Whoever sends nothing, or no end of headers, or that on a kept connection, is hung up on."""

    def hung_up(sent: bytes) -> bytes:
        with dial(gateway.url) as connection:
            connection.sendall(sent)
            return everything(connection)

    live = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"
    with ThreadPoolExecutor(3) as pool:
        nothing, half, second = pool.map(hung_up, [b"", HEAD + b"x-y", live + b"GET /he"])
    assert (nothing, half) == (b"", b"")
    assert second.startswith(b"HTTP/1.1 200 ")


def endlessly(url: str, begin: bytes, more: bytes) -> tuple[int, bytes]:
    """Send `more` again and again until nobody reads it; how many bytes went, and what was answered."""
    sent = 0
    with dial(url) as connection:
        connection.sendall(begin)
        try:
            while sent < ENDLESS:
                connection.sendall(more)
                sent += len(more)
        except OSError:
            pass
        try:
            return sent, connection.recv(65536)
        except OSError:
            return sent, b""


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        pytest.param(b"GET /", b"a" * 4096, id="URL"),
        pytest.param(HEAD + b"x-a: ", b"a" * 4096, id="value"),
        pytest.param(HEAD, b"a" * 4096, id="name"),
        pytest.param(HEAD, b"x-a: b\r\n" * 500, id="headers"),
    ],
)
def test_headers_without_end(gateway: Gateway, begin: bytes, more: bytes) -> None:
    sent, answer = endlessly(gateway.url, begin, more)
    assert sent < ENDLESS
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_headers_too_large"


@pytest.mark.parametrize(
    ("begin", "more"),
    [pytest.param(b"0\r\nx-a: ", b"a" * 4096, id="trailer"), pytest.param(b"1;a=", b"a" * 4096, id="extension")],
)
def test_what_surrounds_a_body_without_end(gateway: Gateway, begin: bytes, more: bytes) -> None:
    sent, answer = endlessly(gateway.url, HEAD + b"transfer-encoding: chunked\r\n\r\n" + begin, more)
    assert sent < ENDLESS
    assert answer == b""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param(b"x-a: b\r\n" * 199, 200, id="many"),
        pytest.param(b"x-a: b\r\n" * 200, 431, id="too many"),
        pytest.param(b"x-a: %b\r\n" % (b"b" * 60_000), 200, id="large"),
        pytest.param(b"x-a: %b\r\n" % (b"b" * 66_000), 431, id="too large"),
    ],
)
def test_headers_near_the_limit(gateway: Gateway, headers: bytes, status: int) -> None:
    with dial(gateway.url) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nconnection: close\r\n" + headers[:-9])
        connection.sendall(headers[-9:] + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 %d " % status)
