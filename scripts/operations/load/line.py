"""One kept connection: an HTTP/1.1 request after the other, each followed to its last byte."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import cast

HEAD_END = b"\r\n\r\n"
HEAD_MOST = 65536
TAIL = 1024
"""Bytes of an answer that are kept: a stream's last events stand there, and the usage."""
TOKEN = re.compile(rb'"(?:content|text|reasoning|reasoning_content)": ?"[^"]')
COUNTED = re.compile(rb'"completion_tokens": ?(\d+)')


class Broken(Exception):
    """The answer did not come whole."""


class Body:
    """An answer's body, told only where it ends, what its last bytes are, and whether it has a token, or an error."""

    def __init__(self, length: int | None) -> None:
        self._left = length
        self._framed = length is None
        self._rest = b""
        self.tail = b""
        self.token = False
        self.error = False
        self.done = length == 0

    @property
    def tokens(self) -> int:
        """How many the server says that it made; 0 where it does not say."""
        counted = COUNTED.findall(self.tail)
        return int(counted[-1]) if counted else 0

    def feed(self, data: bytes) -> None:
        if not self._framed:
            self._take(data)
            self.done = self._left == 0
            return
        self._rest += data
        while self._rest and not self.done:
            if not self._left:
                size, found, rest = self._rest.removeprefix(b"\r\n").partition(b"\r\n")
                if not found or (not int(size, 16) and not rest.endswith(b"\r\n")):
                    return
                self._left, self._rest = int(size, 16), rest
                self.done = not self._left
            else:
                taken, self._rest = self._rest[: self._left], self._rest[self._left :]
                self._take(taken)

    def _take(self, data: bytes) -> None:
        self._left = (self._left or 0) - len(data)
        self.error = self.error or b'data: {"error"' in data
        kept = self.tail + data
        self.token = self.token or TOKEN.search(kept) is not None
        self.tail = kept[-TAIL:]


class Answer:
    """What came of one request. `status` and `first_token_at` (the loop's time) are 0 before there is one.

    `target` is what answered, where the server is a gateway that says so.
    """

    def __init__(self) -> None:
        self.status = 0
        self.first_token_at = 0.0
        self.target = ""
        self.head = b""
        self.body: Body | None = None
        self.closes = False
        self.whole: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def feed(self, data: bytes) -> None:
        if self.body is None:
            self.head += data
            head, found, data = self.head.partition(HEAD_END)
            if not found:
                if len(head) > HEAD_MOST:
                    raise Broken("headers without an end")
                return
            self.body = self._begun(head)
        self.body.feed(data)
        if self.body.token and not self.first_token_at:
            self.first_token_at = asyncio.get_running_loop().time()

    @property
    def done(self) -> bool:
        return self.body is not None and self.body.done

    def _begun(self, head: bytes) -> Body:
        first, _, rest = head.lower().partition(b"\r\n")
        self.status = int(first.split()[1])
        headers = dict(line.partition(b":")[::2] for line in rest.split(b"\r\n"))
        self.closes = headers.get(b"connection", b"").strip() == b"close"
        self.target = headers.get(b"x-penstock-target", b"").strip().decode("latin-1")
        length = headers.get(b"content-length")
        return Body(None if length is None else int(length))


class Line(asyncio.Protocol):
    """`freed` is called when an answer is whole and the connection can be used again."""

    def __init__(self, freed: Callable[[Line], None]) -> None:
        self._freed = freed
        self._answer: Answer | None = None
        self.open = False

    def ask(self, request: bytes) -> Answer:
        """Its `whole` is done once it is, or raises Broken."""
        self._answer = answer = Answer()
        self._transport.write(request)
        return answer

    def close(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.open = True

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:
            self.close()  # nothing was asked
            return
        try:
            answer.feed(data)
        except (Broken, ValueError, IndexError) as error:
            if not answer.whole.done():
                answer.whole.set_exception(Broken(f"no HTTP: {error}"))
            self.close()
            return
        if answer.done:
            self._settle(answer)

    def _settle(self, answer: Answer) -> None:
        self._answer = None
        if not answer.whole.done():
            answer.whole.set_result(None)
        if answer.closes:
            self._transport.close()
        else:
            self._freed(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if self._answer and not self._answer.whole.done():
            self._answer.whole.set_exception(Broken(f"cut: {error or 'closed'}"))
