"""A client that reads slowly: the gateway holds little of its stream, the replica waits, and nothing is lost."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import CHAT, HELLO, Client, dial, everything, resident, until

BODY = {
    "model": "tiny",
    "messages": HELLO,
    "stream": True,
    "n": 20,
    "temperature": 1,
    "max_tokens": 1000,
    "min_tokens": 1000,
    "ignore_eos": True,
    "logprobs": True,
    "top_logprobs": 20,
}
MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "50") as simulator:
        yield simulator


@pytest.fixture
def gateway(replica: Simulator, tmp_path: Path) -> Iterator[Gateway]:
    settings = one_model([replica.url], model={"timeouts": {"between_events_s": 1}})
    with Gateway(tmp_path, settings) as process:
        yield process


def ask(gateway: Gateway) -> socket.socket:
    body = json.dumps(BODY).encode()
    connection = dial(gateway.url)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    connection.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    )
    return connection


def most_held(gateway: Gateway, client: Client) -> int:
    """The most memory in use over 1.5 s: longer than a target may be silent, but that is the client's doing."""
    sizes: list[int] = []
    began = time.monotonic()
    while time.monotonic() < began + 1.5:
        sizes.append(resident(gateway))
        assert client.in_flight() == 1
    return max(sizes)


def test_memory_is_bounded_and_the_stream_is_whole(gateway: Gateway, replica: Simulator) -> None:
    with Client(gateway.url) as client:
        client.chat()
        before = resident(gateway)
        with ask(gateway) as connection:
            until(lambda: client.in_flight() == 1)
            read = connection.recv(1000)
            held = most_held(gateway, client)
            assert held - before < 8 * MEBIBYTE
            whole = read + everything(connection)
        assert whole.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        assert len(whole) > 20 * MEBIBYTE
        assert resident(gateway) - before < 16 * MEBIBYTE
        until(lambda: client.in_flight() == 0)
    line = gateway.wait_for(lambda line: line.get("stream") is True)
    assert (line["outcome"], line["output_tokens"]) == ("ok", 20_000)


def test_one_that_never_reads_and_leaves_is_gone(gateway: Gateway, replica: Simulator) -> None:
    aborted = replica.state()["aborted"]
    with Client(gateway.url) as client:
        with ask(gateway):
            until(lambda: client.in_flight() == 1)
        until(lambda: client.in_flight() == 0)
    until(lambda: replica.state()["aborted"] == aborted + 1)
    assert gateway.wait_for(lambda line: line.get("stream") is True)["status"] == 499


def test_others_are_not_held_up(gateway: Gateway) -> None:
    with ask(gateway), ask(gateway), Client(gateway.url) as client:
        until(lambda: client.in_flight() == 2)
        for _ in range(5):
            assert client.chat(max_tokens=5).status_code == 200
        with client.http.stream("POST", CHAT, json={"model": "tiny", "messages": HELLO, "stream": True}) as answer:
            assert "[DONE]" in answer.read().decode()


def test_a_client_that_does_not_read_harms_nobody(replica: Simulator, tmp_path: Path) -> None:
    """Its place is free when its time is up, and the replica that waited for it is not to blame."""
    settings = one_model([replica.url], model={"timeouts": {"total_s": 2}}, breaker={"fail_max": 1})
    with Gateway(tmp_path, settings) as gateway, Client(gateway.url) as client, ask(gateway):
        until(lambda: client.in_flight() == 1)
        until(lambda: client.in_flight() == 0, 6)
        assert next(iter(client.targets().values()))["breaker"] == "closed"
        assert client.chat(max_tokens=2).status_code == 200
        line = gateway.wait_for(lambda line: line.get("code") == "client_too_slow", 10)
        assert (line["outcome"], line["stream"]) == ("client_gone", True)
