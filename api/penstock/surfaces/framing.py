"""An answer as bytes of HTTP/1.1 (RFC 9112): its head, and its body with an end that the client can tell.

The head waits for the body's first bytes: one write is one system call, and wakes the client once.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from penstock.upstream.chunks import framed

Headers = list[tuple[bytes, bytes]]

BODILESS: Final = frozenset({204, 304})
STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def header_lines(headers: Headers) -> bytes:
    """A line for each but `connection`, which is the framing's. ValueError if a header ends before its line does."""
    lines, count = b"", 0
    for name, value in headers:
        if name != b"connection":
            lines += name + b": " + value + b"\r\n"
            count += 1
    if len(lines.splitlines()) != count:  # bytes are split at CR, LF and CRLF, and at nothing else
        raise ValueError("A header holds the end of a line.")
    return lines


class Framing:
    """Of one answer to a request of this method and HTTP version."""

    __slots__ = ("_chunked", "_head", "_left", "_method", "_version", "keep_alive")

    def __init__(self, method: str, version: str, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        """The connection may carry another request after this answer."""
        self._method = method
        self._version = version
        self._head = b""
        self._chunked = False
        self._left: int | None = None
        """Body bytes that are still to come; None where their number is not told."""

    @property
    def in_chunks(self) -> bool:
        """What comes next is a chunk, and nothing else."""
        return self._chunked and not self._head

    def start(self, status: int, headers: Headers, standing: bytes) -> None:
        """`standing`: the server's own headers, as lines. Raises ValueError if a header ends before its line does."""
        for name, value in headers:
            if name == b"content-length":
                self._left = int(value)
            elif name == b"connection":  # we only ever ask to close it
                self.keep_alive = False
        told = _status_line(status) + header_lines(headers)
        if self._method == "HEAD" or status in BODILESS:
            self._left = 0
        elif self._left is None:
            told += self._mark_of_end()
        self._head = b"".join((told, b"" if self.keep_alive else b"connection: close\r\n", standing, b"\r\n"))

    def _mark_of_end(self) -> bytes:
        """The end of a body of unknown length is told by chunks; to HTTP/1.0, which knows none, by the connection's."""
        self._chunked = self._version == "1.1"
        if self._chunked:
            return b"transfer-encoding: chunked\r\n"
        self.keep_alive = False
        return b""

    def more(self, data: bytes) -> bytes:
        """More of the body."""
        if self._chunked:
            data = framed(data) if data else b""
        elif self._left is not None:
            data = self._counted(data)
        if self._head:
            data, self._head = self._head + data, b""
        return data

    def last(self, data: bytes) -> bytes:
        """The last of the body. Raises ValueError if it is not as long as was told."""
        data = self.more(data)
        if self._left:
            raise ValueError("The body is shorter than its content-length.")
        return data + b"0\r\n\r\n" if self._chunked else data

    def _counted(self, data: bytes) -> bytes:
        if self._method == "HEAD":
            return b""
        assert self._left is not None  # noqa: S101  # only then it is called
        self._left -= len(data)
        if self._left < 0:
            raise ValueError("The body is longer than its content-length.")
        return data


def refusal(status: int, body: bytes) -> bytes:
    """The whole answer to what is no request, in JSON: the connection ends with it."""
    head = b"%bcontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    return head % (_status_line(status), len(body)) + body


def _status_line(status: int) -> bytes:
    """A target's refusal may have a status that has no name."""
    return STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
