"""The requests: what is asked for when, and the bytes that ask for it."""

from __future__ import annotations

import json
import random
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

WORDS = "water stone river valve gate flow wheel dam level tide rain mill lock basin spill drop creek pump well lake"
"""Each is about one token."""


@dataclass(frozen=True, slots=True)
class Due:
    """One request. `at` is in seconds from the beginning of the run."""

    number: int
    at: float
    stream: bool
    prompt_tokens: int
    answer_tokens: int


def schedule(arrivals: Iterable[float], lengths: Iterable[tuple[int, int]], streams: float) -> Iterator[Due]:
    """As many as arrive. The share `streams` of them, evenly spread, are streams."""
    for number, (at, (prompt, answer)) in enumerate(zip(arrivals, lengths, strict=False)):
        stream = int((number + 1) * streams + 1e-9) > int(number * streams + 1e-9)
        yield Due(number, at, stream, prompt, answer)


@dataclass(frozen=True)
class Door:
    """Where requests go, and as whom."""

    url: str
    model: str = "demo"
    key: str = ""
    insecure: bool = False

    def request(self, due: Due) -> bytes:
        """Its prompt begins with its number, so that no replica knows it; its answer is as long as it may be."""
        asked = {
            "model": self.model,
            "messages": [{"role": "user", "content": self.prompt(due)}],
            "max_tokens": max(1, due.answer_tokens),
            "ignore_eos": True,
            "stream": due.stream,
        }
        if due.stream:
            asked["stream_options"] = {"include_usage": True}
        body = json.dumps(asked).encode()
        return b"%scontent-length: %d\r\n\r\n%s" % (self._head, len(body), body)

    @property
    def address(self) -> tuple[str, int, bool]:
        """Host, port, and whether TLS is spoken there."""
        parts = urlsplit(self.url)
        secure = parts.scheme == "https"
        return parts.hostname or "127.0.0.1", parts.port or (443 if secure else 80), secure

    @cached_property
    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    @cached_property
    def _head(self) -> bytes:
        parts = urlsplit(self.url)
        lines = [f"POST {parts.path.rstrip('/')}/v1/chat/completions HTTP/1.1", f"host: {parts.netloc}"]
        lines += ["content-type: application/json"]
        lines += [f"authorization: Bearer {self.key}"] if self.key else []
        return "\r\n".join([*lines, ""]).encode()

    @cached_property
    def _words(self) -> list[str]:
        chance, words = random.Random(0), WORDS.split()
        return [chance.choice(words) for _ in range(4096)]

    def prompt(self, due: Due) -> str:
        """Of about so many tokens as are due."""
        wanted = max(0, due.prompt_tokens - 2)
        start = due.number * 31 % len(self._words)
        turned = self._words[start:] + self._words[:start]
        whole, rest = divmod(wanted, len(turned))
        return " ".join([f"{due.number}:", *(turned * whole), *turned[:rest]])
