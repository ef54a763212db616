"""A client that leaves cancels its call at the replica, at any moment of it."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import CHAT, HELLO, Client, Json, dial, until

SOON = 0.1


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--max-num-seqs", "2") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def gateway(replica: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = one_model([replica.url], breaker={"fail_max": 1, "reset_s": 60, "reset_max_s": 60})
    with Gateway(tmp_path_factory.mktemp("gateway"), settings) as process:
        yield process


@pytest.fixture
def client(gateway: Gateway, replica: Simulator) -> Iterator[Client]:
    with Client(gateway.url) as client:
        yield client
    replica.clear()


def call(gateway: Gateway, name: str, path: str = CHAT, **more: object) -> socket.socket:
    """A request on a connection of its own, sent and not waited for."""
    asked = {"model": "tiny", "messages": HELLO, "max_tokens": 60} if path == CHAT else {}
    body = json.dumps(asked | more).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-request-id: {name}\r\n"
    connection = dial(gateway.url)
    connection.sendall(head.encode() + b"content-length: %d\r\n\r\n%b" % (len(body), body))
    return connection


def seconds_to_cancel(connection: socket.socket, replica: Simulator) -> float:
    """Leave; how long it takes until the replica knows."""
    aborted = replica.state()["aborted"]
    left = time.monotonic()
    connection.close()
    until(lambda: replica.state()["aborted"] > aborted)
    return time.monotonic() - left


def check(gateway: Gateway, client: Client, name: str) -> Json:
    """What must be so after it; the request's line in the log."""
    until(lambda: client.in_flight() == 0)
    line = gateway.wait_for(lambda line: line.get("request_id") == name)
    assert (line["status"], line["outcome"], line["code"]) == (499, "client_gone", "client_gone")
    (card,) = client.targets().values()
    assert card["breaker"] == "closed"
    return line


def quickest(leave: Callable[[int], float]) -> float:
    """The best of three: the machine may be busy with other things."""
    return min(leave(turn) for turn in range(3))


@pytest.mark.parametrize("stream", [False, True])
def test_before_the_headers(gateway: Gateway, client: Client, replica: Simulator, stream: bool) -> None:
    replica.fault("hang")

    def leave(turn: int) -> float:
        name = f"headers-{stream}-{turn}"
        connection = call(gateway, name, stream=stream)
        until(lambda: replica.state()["recent"][-1:] == [{"id": name, "path": CHAT}])
        seconds = seconds_to_cancel(connection, replica)
        check(gateway, client, name)
        return seconds

    assert quickest(leave) < SOON


def test_before_the_first_event(gateway: Gateway, client: Client, replica: Simulator) -> None:
    """The replica has sent 200 and then nothing: the call waits in its queue."""
    with ExitStack() as stack:
        for _ in range(2):  # they take all its places, until this test is over
            stack.enter_context(client.streaming(max_tokens=4000, min_tokens=4000, ignore_eos=True))

        def leave(turn: int) -> float:
            name = f"queued-{turn}"
            connection = call(gateway, name, stream=True)
            until(lambda: replica.state()["waiting"] == 1)
            seconds = seconds_to_cancel(connection, replica)
            assert replica.state()["waiting"] == 0
            line = gateway.wait_for(lambda line: line.get("request_id") == name)
            assert (line["status"], line["outcome"]) == (499, "client_gone")
            return seconds

        assert quickest(leave) < SOON
    until(lambda: client.in_flight() == 0)


@pytest.mark.parametrize("path", [CHAT, "/v1/functions/SummarizeThread/stream"])
def test_in_the_middle_of_a_stream(gateway: Gateway, client: Client, replica: Simulator, path: str) -> None:
    def leave(turn: int) -> float:
        name = f"stream-{path[-4:]}-{turn}"
        more = {"stream": True} if path == CHAT else {"messages": [{"author": "Ada", "text": "Hello"}]}
        connection = call(gateway, name, path, **more)
        received = b""
        while b"data:" not in received:
            received += connection.recv(65536)
        seconds = seconds_to_cancel(connection, replica)
        line = check(gateway, client, name)
        assert line["output_tokens"] > 0
        return seconds

    assert quickest(leave) < SOON
    until(lambda: replica.state()["running"] == 0)


def test_while_a_whole_answer_is_made(gateway: Gateway, client: Client, replica: Simulator) -> None:
    def leave(turn: int) -> float:
        name = f"whole-{turn}"
        connection = call(gateway, name)
        until(lambda: replica.state()["producing"] == 1)
        seconds = seconds_to_cancel(connection, replica)
        check(gateway, client, name)
        assert replica.state()["running"] == 0
        return seconds

    assert quickest(leave) < SOON


def test_before_the_body_is_whole(gateway: Gateway, client: Client, replica: Simulator) -> None:
    seen = replica.state()["requests"].get(CHAT)
    with dial(gateway.url) as connection:
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-request-id: half\r\n"
            b"content-type: application/json\r\ncontent-length: 100\r\n\r\n{"
        )
    check(gateway, client, "half")
    assert replica.state()["requests"].get(CHAT) == seen


def test_many_at_once(gateway: Gateway, client: Client, replica: Simulator) -> None:
    aborted = replica.state()["aborted"]
    connections = [call(gateway, f"many-{number}", stream=number % 2 == 0) for number in range(50)]
    until(lambda: client.in_flight() == 50)
    for connection in connections:
        connection.close()
    until(lambda: client.in_flight() == 0)
    until(lambda: replica.state()["aborted"] == aborted + 50)
    assert replica.state()["running"] == replica.state()["waiting"] == 0
    assert client.chat().status_code == 200
