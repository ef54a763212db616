"""Every error that the edge makes is in OpenAI's shape; a POST that an instance may have taken is not sent again."""

import asyncio
import json
import socket

import httpx
import pytest

from tests.edge.conftest import Fleet, MakeEdge
from tests.edge.edge import Edge, trusting
from tests.edge.scripted import Scripted, answer, reset, silent
from tests.servers import free_port
from tests.talk import code_of, everything
from tests.wire import Wire

LOOK_ONCE = {"EDGE_CHECK_INTERVAL_S": "600"}
"""So that nobody notices how a peer is but those who ask it."""


def said_to(edge: Edge, request: bytes) -> tuple[int, dict[str, str]]:
    """The status and the error that a request gets which no client would send."""
    plain = socket.create_connection(("127.0.0.1", edge.port), 10)
    with trusting().wrap_socket(plain) as connection:
        connection.sendall(request)
        head, _, body = everything(connection).partition(b"\r\n\r\n")
    error = json.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return int(head.split()[1]), error


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"GET /v1/models HTTP/1.1\r\n\r\n", 400, "invalid_request"),
        (b"GET /v1/models HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400, "invalid_request"),
        (b"GET /v1/%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400, "invalid_request"),
        (b"GET /v1/models HTTP/9.1\r\nHost: a\r\n\r\n", 505, "edge_error"),
        (b"TRACE /v1/models HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method_not_allowed"),
        (b"GET /v1/" + b"x" * 17000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "request_uri_too_large"),
        (b"GET /v1/models HTTP/1.1\r\nHost: a\r\nA: " + b"x" * 17000 + b"\r\n\r\n", 431, "request_headers_too_large"),
    ],
)
def test_what_cannot_be_read(edge: Edge, request_: bytes, status: int, code: str) -> None:
    told, error = said_to(edge, request_)
    assert (told, error["code"]) == (status, code)
    assert error["type"] == ("server_error" if status >= 500 else "invalid_request_error")


def test_a_body_that_is_too_large(make_edge: MakeEdge, fleet: Fleet) -> None:
    edge = make_edge({"blue": fleet.addresses}, EDGE_MAX_BODY_BYTES="1000")
    with edge.client() as client:
        assert client.http.post("/v1/chat/completions", content=b"x" * 1000).status_code == 415
        for body in (b"x" * 1001, iter([b"x" * 600, b"x" * 600])):
            refused = client.http.post("/v1/chat/completions", content=body)
            assert (refused.status_code, code_of(refused)) == (413, "request_too_large")
        assert client.chat(max_tokens=1).status_code == 200


def test_a_body_that_does_not_come(make_edge: MakeEdge, fleet: Fleet) -> None:
    edge = make_edge({"blue": fleet.addresses}, EDGE_BODY_TIMEOUT_S="1")
    start = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"
    with socket.create_connection(("127.0.0.1", edge.port), 10) as plain, trusting().wrap_socket(plain) as client:
        client.sendall(start)
        assert client.recv(65536) == b"", "nginx closes without a word"
    edge.wait_for(lambda line: line["status"] == 408)


def test_no_instance_is_ready(make_edge: MakeEdge) -> None:
    with make_edge({"blue": [f"127.0.0.1:{free_port()}"]}).client() as client:
        answer = client.chat()
    assert (answer.status_code, code_of(answer), answer.headers["retry-after"]) == (503, "no_instance_ready", "1")


async def test_a_post_that_was_taken_is_not_sent_again(make_edge: MakeEdge) -> None:
    peers = [Scripted(reset), Scripted(reset)]
    async with Wire(peers[0].script) as one, Wire(peers[1].script) as two:
        hosts = [f"127.0.0.1:{wire.origin.port}" for wire in (one, two)]
        edge = await asyncio.to_thread(make_edge, {"blue": hosts})
        async with httpx.AsyncClient(verify=trusting(), trust_env=False) as client:
            lost = await client.post(f"{edge.url}/v1/chat/completions", json={})
            assert (lost.status_code, code_of(lost)) == (502, "instance_lost")
            assert [len(peer.taken) for peer in peers] in ([1, 0], [0, 1])
            await client.get(f"{edge.url}/v1/models")
            assert sum(len(peer.taken) for peer in peers) == 3, "what only asks may be asked again, of the other"
            assert min(len(peer.taken) for peer in peers) == 1
        assert len(await asyncio.to_thread(edge.up)) == 2, "a request that breaks it is not an instance that is down"


async def test_a_post_that_found_nobody_goes_to_another(make_edge: MakeEdge) -> None:
    gone, there = Scripted(answer), Scripted(answer)
    async with Wire(there.script) as two:
        async with Wire(gone.script) as one:
            hosts = [f"127.0.0.1:{wire.origin.port}" for wire in (one, two)]
            edge = await asyncio.to_thread(make_edge, {"blue": hosts}, **LOOK_ONCE)
            assert await asyncio.to_thread(edge.up) == set(hosts)
        async with httpx.AsyncClient(verify=trusting(), trust_env=False) as client:
            answers = [await client.post(f"{edge.url}/v1/chat/completions", json={}) for _ in range(20)]
        assert [each.status_code for each in answers] == [200] * 20
        assert len(there.taken) == 20
        assert await asyncio.to_thread(edge.up) == {hosts[1]}, "the first that could not connect is proof"
        tried = [line for line in edge.lines if "," in line["upstream_status"]]
        assert len(tried) <= 1
        assert {peer["in_flight"] for peer in (await asyncio.to_thread(edge.peers)).values()} == {0}


async def test_an_instance_that_is_silent(make_edge: MakeEdge) -> None:
    peer = Scripted(silent)
    async with Wire(peer.script) as wire:
        edge = await asyncio.to_thread(make_edge, {"blue": [f"127.0.0.1:{wire.origin.port}"]}, EDGE_READ_TIMEOUT_S="1")
        async with httpx.AsyncClient(verify=trusting(), trust_env=False) as client:
            late = await client.post(f"{edge.url}/v1/chat/completions", json={})
    assert (late.status_code, code_of(late)) == (504, "instance_timeout")
    assert len(peer.taken) == 1
