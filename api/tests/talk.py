"""A client of a gateway's, and what it makes of the answers."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from tests.gateway import Gateway

Json = dict[str, Any]
T = TypeVar("T")

CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello"}]


def until(look: Callable[[], T], seconds: float = 5.0) -> T:
    """What `look` finds as soon as it finds something. AssertionError if it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{look} still finds {found!r} after {seconds} s"
        time.sleep(0.005)
    return found


def events(text: str) -> list[str]:
    """The data of a stream's events, comments left out."""
    blocks = text.split("\n\n")
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


def told(text: str) -> str:
    """The text that a chat stream's events hold together."""
    chunks = [json.loads(data) for data in events(text) if data != "[DONE]"]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk.get("choices", ())]
    return "".join(delta.get("content") or "" for delta in deltas)


def code_of(answer: httpx.Response) -> str:
    """The code of an error, whose shape must be OpenAI's."""
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert isinstance(error["type"], str)
    return str(error["code"])


def dial(url: str) -> socket.socket:
    """A bare connection, for what no HTTP client would send."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=15)


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


class Client:
    """Speaks to one gateway, or to a simulator. A context manager."""

    def __init__(self, url: str, key: str = "") -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=20, trust_env=False, verify=False)

    def chat(self, model: str = "tiny", *, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        body = {"model": model, "messages": HELLO, "max_tokens": 8, **more}
        return self.http.post(CHAT, json=body, headers=headers)

    @contextmanager
    def streaming(self, model: str = "tiny", **more: Any) -> Iterator[httpx.Response]:
        """A stream of a chat, open; leave the block and the client is gone."""
        body = {"model": model, "messages": HELLO, "max_tokens": 8, "stream": True, **more}
        with self.http.stream("POST", CHAT, json=body) as answer:
            yield answer

    def targets(self) -> dict[str, Json]:
        """What /admin/targets tells, by the targets' ids."""
        return {card["id"]: card for card in self.http.get("/admin/targets").json()["data"]}

    def in_flight(self) -> int:
        return sum(card["in_flight"] for card in self.targets().values())

    def samples(self) -> dict[str, float]:
        """The metrics: `name{labels}` to value."""
        lines = self.http.get("/metrics").text.splitlines()
        pairs = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def close(self) -> None:
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def resident(gateway: Gateway) -> int:
    """Bytes of memory."""
    pages = Path(f"/proc/{gateway.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096
