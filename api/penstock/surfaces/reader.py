"""Requests out of a connection's bytes, each a wire as soon as its headers are in, within limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

import httptools

from penstock.errors import HeadersTooLarge, InvalidRequest, PenstockError
from penstock.surfaces.wire import Line, Wire

MAX_HEADER_BYTES: Final = 64 * 1024
"""Of a request line and its headers; later, of bytes in a row that are not body: trailers, chunk extensions."""

MAX_HEADERS: Final = 200

_SPECIAL: Final = re.compile(rb"[?#%]")


class Reader:
    """Feeds httptools' parser. `begun` is handed each wire, which then hears of its body."""

    def __init__(self, line: Line, begun: Callable[[Wire], None]) -> None:
        self.in_headers = False
        """A request has begun, and its headers are not in whole."""
        self._line = line
        self._begun = begun
        self._parser = httptools.HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)  # it is not read
        self._wire: Wire | None = None
        """Its body comes in now."""
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._count = self._size = self._bodiless = 0

    @property
    def in_body(self) -> bool:
        """Of a request that has begun, the end is not in."""
        return self._wire is not None

    def feed(self, data: bytes) -> None:
        """Raises HeadersTooLarge or InvalidRequest; then nothing more can be read."""
        self._bodiless += len(data)
        at = self._parse(data)
        while at < len(data):
            at += self._parse(memoryview(data)[at:])
        if self._bodiless > MAX_HEADER_BYTES:
            raise _too_large()

    def _parse(self, data: bytes | memoryview) -> int:
        """How many bytes of it are parsed: all, or up to the end of a request that would upgrade."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._parse(self._without_upgrade())
            return int(upgrade.args[0])
        except httptools.HttpParserError as error:
            cause = error.__context__  # what a callback of ours raised
            raise cause if isinstance(cause, PenstockError) else InvalidRequest("This is not HTTP.") from None
        return len(data)

    def _without_upgrade(self) -> bytes:
        """A request to upgrade is read again without it: we offer none (RFC 9110, 7.8)."""
        lines = [b"%b %b HTTP/%b" % (self._parser.get_method(), self._url, self._parser.get_http_version().encode())]
        lines += [b"%b: %b" % header for header in self._headers.items() if header[0] != b"upgrade"]
        return b"\r\n".join((*lines, b"", b""))

    # httptools' callbacks

    def on_message_begin(self) -> None:
        self._url, self._headers = b"", {}
        self._count = self._size = 0
        self.in_headers = True

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_headers:  # else it is a trailer: none is of use
            self._headers[name.lower()] = value
            self._count += 1
            self._size += len(name) + len(value) + 4

    def on_headers_complete(self) -> None:
        parser = self._parser
        if self._size + len(self._url) > MAX_HEADER_BYTES or self._count > MAX_HEADERS:
            raise _too_large()
        method = parser.get_method()
        if method == b"CONNECT":
            raise InvalidRequest("CONNECT is for proxies.")
        if parser.should_upgrade():
            return
        self.in_headers = False
        self._bodiless = 0
        version = parser.get_http_version()
        keep_alive = version == "1.1" and parser.should_keep_alive()
        asked = (method.decode(), *_path_and_query(self._url))
        self._wire = Wire(self._line, asked, self._headers, version, keep_alive=keep_alive)
        self._begun(self._wire)

    def on_body(self, data: bytes) -> None:
        self._bodiless = 0
        if self._wire is not None:
            self._wire.arrived(data)

    def on_message_complete(self) -> None:
        self._bodiless = 0
        if self._wire is not None:  # else it is an upgrade, which is fed again
            self._wire.complete()
            self._wire = None


def _path_and_query(url: bytes) -> tuple[str, bytes]:
    if url.startswith(b"/") and not _SPECIAL.search(url):
        return url.decode("ascii"), b""
    parts: Any = httptools.parse_url(url)  # what is absent is None, which its types do not say
    return unquote((parts.path or b"/").decode("ascii")), parts.query or b""


def _too_large() -> HeadersTooLarge:
    return HeadersTooLarge(f"More than {MAX_HEADERS} headers, or {MAX_HEADER_BYTES} bytes of them, are not read.")
