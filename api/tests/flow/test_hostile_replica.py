"""Replicas that do what no simulator does: what they send is bounded, judged, and blamed on nobody else."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from tests.gateway import Gateway, one_model
from tests.talk import CHAT, HELLO, code_of, dial, resident
from tests.wire import Peer, Wire

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
Answer = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def gateway_over(folder: Path, answer: Answer, metrics: bytes = b"", **limits: Any) -> AsyncIterator[Gateway]:
    """A gateway over one replica, which is well and answers every POST like this."""

    async def script(peer: Peer) -> None:
        asked = await peer.head()
        if asked.startswith(b"POST"):
            await answer(peer)
        else:
            body = metrics if b"/metrics" in asked else b""
            await peer.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body), body)

    async with Wire(script) as wire:
        settings = one_model([f"http://127.0.0.1:{wire.origin.port}"], model={"timeouts": limits})
        with Gateway(folder, settings) as gateway:
            yield gateway


async def ask(gateway: Gateway, *, patience: float = 20, **more: Any) -> httpx.Response:
    async with httpx.AsyncClient(timeout=patience) as client:
        return await client.post(gateway.url + CHAT, json={"model": "tiny", "messages": HELLO, **more})


async def test_a_flood_before_any_answer_is_not_kept(tmp_path: Path) -> None:
    async def flood(peer: Peer) -> None:
        await peer.send(OK)
        while True:
            await peer.send(b'data: {"choices":[],"x":"' + b"x" * 65536 + b'"}\n\n')

    async with gateway_over(tmp_path, flood) as gateway:
        before = resident(gateway)
        answer = await ask(gateway, stream=True)
        assert (answer.status_code, code_of(answer)) == (502, "upstream_error")
        assert resident(gateway) - before < 40 * 2**20


async def test_a_first_event_that_is_not_taken_pauses_the_replica(tmp_path: Path) -> None:
    """It alone is more than what the client's connection holds."""
    sent = 0

    async def flood(peer: Peer) -> None:
        nonlocal sent
        await peer.send(OK)
        for size in chain([4 * 2**20], repeat(2**16)):
            await peer.send(b'data: {"choices":[{"index":0,"delta":{"content":"' + b"x" * size + b'"}}]}\n\n')
            sent += size

    async with gateway_over(tmp_path, flood) as gateway:
        body = orjson.dumps({"model": "tiny", "messages": HELLO, "stream": True})
        head = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        with dial(gateway.url) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
            connection.sendall(head % (CHAT.encode(), len(body)) + body)
            await asyncio.to_thread(connection.recv, 100)
            await asyncio.sleep(1)
            at_first = sent
            await asyncio.sleep(0.5)
            assert sent == at_first < 32 * 2**20


async def test_an_error_whose_body_hangs_is_an_error_at_once(tmp_path: Path) -> None:
    async def hang(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 500 Oh\r\ncontent-length: 10\r\n\r\n")
        await peer.gone()

    async with gateway_over(tmp_path, hang) as gateway:
        began = time.monotonic()
        answer = await ask(gateway)
        assert (answer.status_code, code_of(answer)) == (502, "upstream_error")
        assert time.monotonic() - began < 8


@pytest.mark.parametrize("body", [b'{"choices":[]}', b'{"choices":null}', b'{"choices":"x"}'])
async def test_an_answer_without_choices_is_none(tmp_path: Path, body: bytes) -> None:
    async def empty(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body), body)

    async with gateway_over(tmp_path, empty) as gateway:
        assert code_of(await ask(gateway)) == "upstream_error"


async def test_a_client_that_gives_up_leaves_the_name_of_who_hung(tmp_path: Path) -> None:
    async with gateway_over(tmp_path, Peer.gone) as gateway:
        with pytest.raises(httpx.TimeoutException):
            await ask(gateway, patience=0.5)
        line = gateway.wait_for(lambda line: line["event"] == "request")
        assert (line["status"], line["attempts"]) == (499, 1)
        assert line["target"].startswith("127.0.0.1:")


async def test_metrics_that_are_no_numbers_do_not_stop_the_watcher(tmp_path: Path) -> None:
    metrics = b'vllm:num_requests_running{a="b"} NaN\nvllm:num_requests_waiting{a="b"} +Inf\n'
    async with gateway_over(tmp_path, Peer.gone, metrics) as gateway:
        async with httpx.AsyncClient() as client:
            target = (await client.get(f"{gateway.url}/admin/targets")).json()["data"][0]
        assert (target["up"], target["engine"]) == (True, None)
        assert {line["event"] for line in gateway.lines} <= {"listening", "request"}
