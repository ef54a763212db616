"""A client that leaves gives its place in the engine back at once."""

import socket
from collections.abc import Callable, Iterator
from time import monotonic

import orjson
import pytest
from tests.servers import Simulator

LONG = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 2000, "ignore_eos": True}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator("--max-num-seqs", "1") as one:
        yield one


def send(simulator: Simulator, stream: bool) -> socket.socket:
    body = orjson.dumps({**LONG, "stream": stream})
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    client = socket.create_connection(("127.0.0.1", simulator.port), 5)
    client.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    return client


def seconds_until(true: Callable[[], bool]) -> float:
    began = monotonic()
    while not true():
        assert monotonic() - began < 5, "it did not come to pass in five seconds"
    return monotonic() - began


@pytest.mark.parametrize("stream", [True, False])
def test_it_leaves_while_it_is_served(simulator: Simulator, stream: bool) -> None:
    aborted = simulator.state()["aborted"]
    client = send(simulator, stream)
    seconds_until(lambda: bool(simulator.state()["producing"]))
    client.close()
    assert seconds_until(lambda: simulator.state()["running"] == 0) < 0.1
    assert simulator.state()["aborted"] == aborted + 1
    assert simulator.state()["kv_usage"] == 0


def test_it_leaves_while_it_waits(simulator: Simulator) -> None:
    served, queued = send(simulator, stream=True), send(simulator, stream=True)
    seconds_until(lambda: bool(simulator.state()["waiting"]))
    queued.close()
    assert seconds_until(lambda: simulator.state()["waiting"] == 0) < 0.1
    assert simulator.state()["running"] == 1
    served.close()
    seconds_until(lambda: simulator.state()["running"] == 0)


def test_the_next_in_the_queue_takes_its_place(simulator: Simulator) -> None:
    served, queued = send(simulator, stream=True), send(simulator, stream=True)
    seconds_until(lambda: bool(simulator.state()["waiting"]))
    served.close()
    seconds_until(lambda: (simulator.state()["running"], simulator.state()["waiting"]) == (1, 0))
    assert b"data: " in queued.recv(65536) + queued.recv(65536)
    queued.close()
    seconds_until(lambda: simulator.state()["running"] == 0)
