"""A real vLLM that is shut down may end an answer with `abort` and say nothing else: a recording of it, played back."""

from pathlib import Path

import httpx
import pytest
from tests.captures import captures
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import CHAT, HELLO, code_of, events, told
from tests.wire import Peer, Wire

RECORDED = {capture.name: capture.answer.text.encode() for capture in captures("trouble")}


def playing(name: str, kind: bytes) -> Wire:
    """A replica that is well, and answers every request with a recording."""

    async def script(peer: Peer) -> None:
        asked = await peer.head()
        body = RECORDED[name] if asked.startswith(b"POST") else b""
        told = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        await peer.send(told % (kind, len(body)), body)

    return Wire(script)


async def asked(gateway: Gateway, *, stream: bool) -> httpx.Response:
    async with httpx.AsyncClient(timeout=20) as client:
        return await client.post(gateway.url + CHAT, json={"model": "tiny", "messages": HELLO, "stream": stream})


async def test_a_whole_answer_that_was_given_up_is_asked_of_the_next(tmp_path: Path) -> None:
    async with playing("aborted_whole", b"application/json") as wire:
        dying = f"http://127.0.0.1:{wire.origin.port}"
        with (
            Simulator("--speed", "50") as replica,
            Gateway(tmp_path, one_model([dying, replica.url], ranking="round_robin")) as gateway,
        ):
            answers = [await asked(gateway, stream=False) for _ in range(2)]
            assert {answer.json()["choices"][0]["finish_reason"] for answer in answers} <= {"stop", "length"}
            assert sorted(answer.headers["x-penstock-attempts"] for answer in answers) == ["1", "2"]


async def test_it_is_an_error_where_there_is_no_other(tmp_path: Path) -> None:
    async with playing("aborted_whole", b"application/json") as wire:
        with Gateway(tmp_path, one_model([f"http://127.0.0.1:{wire.origin.port}"])) as gateway:
            answer = await asked(gateway, stream=False)
            assert (answer.status_code, code_of(answer)) == (502, "upstream_error")
            assert answer.headers["x-penstock-attempts"] == "1"
            assert answer.headers["x-penstock-target"] == f"127.0.0.1:{wire.origin.port}"


@pytest.mark.parametrize("typed", [False, True])
async def test_a_stream_that_was_given_up_does_not_look_complete(tmp_path: Path, typed: bool) -> None:
    async with playing("aborted_stream", b"text/event-stream") as wire:
        with Gateway(tmp_path, one_model([f"http://127.0.0.1:{wire.origin.port}"])) as gateway:
            if typed:
                async with httpx.AsyncClient(timeout=20) as client:
                    answer = await client.post(
                        f"{gateway.url}/v1/functions/SummarizeThread/stream",
                        json={"messages": [{"author": "a", "text": "b"}]},
                    )
                assert "event: error" in answer.text
                assert "event: final" not in answer.text
            else:
                answer = await asked(gateway, stream=True)
                *tokens, last = events(answer.text)
                assert told("\n\n".join(f"data: {data}" for data in tokens))
                assert '"stream_broken"' in last
            line = gateway.wait_for(lambda line: line["event"] == "request")
            assert (line["outcome"], line["code"]) == ("broken", "stream_broken")
