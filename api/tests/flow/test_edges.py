"""HTTP at its edges: what is old, rare or odd is served all the same."""

import json
import time
from collections.abc import Iterator

import pytest
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import HELLO, Client, Json, dial, everything

LIVE = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with (
        Simulator("--speed", "100") as replica,
        Gateway(tmp_path_factory.mktemp("gateway"), one_model([replica.url])) as process,
    ):
        yield process


def request(*headers: str, version: str = "1.1", **more: object) -> bytes:
    """A chat's bytes."""
    fields: Json = {"model": "tiny", "messages": HELLO, "max_tokens": 8, **more}
    body = json.dumps(fields)
    head = [f"POST /v1/chat/completions HTTP/{version}", "host: x", "content-type: application/json", *headers]
    return "\r\n".join((*head, f"content-length: {len(body)}", "", body)).encode()


@pytest.mark.parametrize("cut", [None, 50, -5])
@pytest.mark.parametrize(
    "headers",
    [
        ("connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__"),
        ("upgrade: websocket", "connection: upgrade", "sec-websocket-version: 13", "sec-websocket-key: eA=="),
    ],
)
def test_an_upgrade_is_not_heard_and_its_request_served(
    gateway: Gateway, headers: tuple[str, ...], cut: int | None
) -> None:
    sent = request(*headers)
    with dial(gateway.url) as connection:
        connection.sendall(sent[:cut])
        connection.sendall((sent[cut:] if cut else b"") + request(*headers) + LIVE)
        answer = everything(connection)
    assert answer.count(b"HTTP/1.1 200 ") == 3
    assert answer.count(b'"chat.completion"') == 2


def test_a_wish_to_connect_through_is_refused(gateway: Gateway) -> None:
    with dial(gateway.url) as connection:
        connection.sendall(b"CONNECT / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert everything(connection).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("stream", [True, False])
def test_http_1_0_gets_no_chunks(gateway: Gateway, stream: bool) -> None:
    with dial(gateway.url) as connection:
        connection.sendall(request("connection: keep-alive", version="1.0", stream=stream))
        head, _, body = everything(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    if stream:
        assert body.startswith(b"data: {")
        assert body.endswith(b"}\n\ndata: [DONE]\n\n")
    else:
        assert b"content-length: %d" % len(body) in head


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready"])
def test_a_head_of_what_balancers_ask(gateway: Gateway, path: str) -> None:
    with Client(gateway.url) as client:
        answer = client.http.head(path)
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_slow_upload_is_not_our_time(gateway: Gateway) -> None:
    name = 'penstock_overhead_seconds_sum{surface="chat"}'
    sent = request("connection: close", "x-request-id: slow")
    with Client(gateway.url) as client:
        client.chat()
        before = client.samples()[name]
        with dial(gateway.url) as connection:
            connection.sendall(sent[:-5])
            time.sleep(0.5)  # this client's own slowness is what is looked at
            connection.sendall(sent[-5:])
            assert everything(connection).startswith(b"HTTP/1.1 200 ")
        assert client.samples()[name] - before < 0.3
    assert gateway.wait_for(lambda line: line.get("request_id") == "slow")["seconds"] < 0.45


def test_the_wait_for_an_earlier_answer_is_not_our_time(gateway: Gateway) -> None:
    first = request(stream=True, max_tokens=2000, min_tokens=2000, ignore_eos=True)
    with dial(gateway.url) as connection:
        began = time.monotonic()
        connection.sendall(first + request("x-request-id: behind", "connection: close"))
        assert everything(connection).count(b"HTTP/1.1 200 ") == 2
        took = time.monotonic() - began
    assert gateway.wait_for(lambda line: line.get("request_id") == "behind")["seconds"] < took / 2
