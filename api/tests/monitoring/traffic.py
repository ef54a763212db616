"""Requests of every kind, steadily, through the edge: what clients send on a bad day."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Self

from tests.functions import GIVEN
from tests.talk import Client

PAUSE_S = 0.1
"""Between two requests of a caller."""


class Traffic:
    """Two callers, and one whose key is unknown. A context manager; what a caller could not send is raised after it."""

    def __init__(self, url: str, *keys: str) -> None:
        self._over = threading.Event()
        self._errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._send, args=(url, key)) for key in (*keys, "sk-unknown")]

    def _send(self, url: str, key: str) -> None:
        try:
            with Client(url, key) as client:
                for send in itertools.cycle(KINDS):
                    send(client)
                    if self._over.wait(PAUSE_S):
                        return
        except BaseException as error:  # noqa: BLE001  # told when the traffic is over
            self._errors.append(error)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
        if self._errors:
            raise self._errors[0]


def _stream(client: Client) -> None:
    client.chat("chat", stream=True, max_tokens=16)


def _function(client: Client) -> None:
    for name, arguments in GIVEN.items():
        client.http.post(f"/v1/functions/{name}", json=arguments)
        client.http.post(f"/v1/functions/{name}/stream", json=arguments)
    client.http.post("/v1/functions/ClassifyTicket", json={})


def _left(client: Client) -> None:
    with client.streaming("chat", max_tokens=64) as stream:
        next(stream.iter_raw(), b"")


def _models(client: Client) -> None:
    client.http.get("/v1/models")


KINDS: tuple[Callable[[Client], object], ...] = (
    _stream,
    lambda client: client.chat("chat"),
    lambda client: client.chat("lent", stream=True),
    lambda client: client.chat("lost"),
    lambda client: client.chat("unknown"),
    _stream,
    _function,
    _left,
    _models,
)
