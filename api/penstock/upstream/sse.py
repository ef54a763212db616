"""Server-sent events as bytes: cut a stream into whole events, and find an event's data."""

from __future__ import annotations

import codecs
import re
from typing import Final

# WHATWG HTML, 9.2.5: lines end in LF, CRLF or CR, and an empty line ends an event.
_END: Final = re.compile(rb"(?:\r\n|\n|\r(?=[^\n])){2}")
LF: Final = 10
CR: Final = 13
"""Bytes by their numbers: to look for bytes by `in` raises and drops an error first, which doubles its time."""
_LINE: Final = re.compile(rb"\r\n|\n|\r")


class EventTooLarge(Exception):
    """An event is larger than the limit, so that it cannot be waited for."""


class Splitter:
    """Cuts bytes as they come into whole events, each with the empty line that ends it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.rest = b""
        """What came after the last whole event."""
        self._begun = False

    def feed(self, data: bytes) -> list[bytes]:
        if self.rest:
            data, self.rest = self.rest + data, b""
        if not self._begun:
            if len(data) < len(codecs.BOM_UTF8) and codecs.BOM_UTF8.startswith(data):
                self.rest = data
                return []
            self._begun, data = True, data.removeprefix(codecs.BOM_UTF8)
        if CR not in data:
            events = [part + b"\n\n" for part in data.split(b"\n\n")]
            self.rest = events.pop()[:-2]
        else:
            events, start = [], 0
            for end in _END.finditer(data):
                events.append(data[start : end.end()])
                start = end.end()
            self.rest = data[start:]
        if len(self.rest) > self._limit:
            raise EventTooLarge(f"an event of more than {self._limit} bytes")
        return events


def data_of(event: bytes) -> bytes | None:
    """The event's data; None if it has none, as a comment has none."""
    if event.startswith(b"data:") and event.endswith(b"\n\n"):
        line = event[5:-2]  # mypyc fails at a slice that ends before it begins: this one does not
        if LF not in line and CR not in line:
            return line.strip()
    lines = [line[5:].removeprefix(b" ") for line in _LINE.split(event) if line.startswith(b"data:")]
    return b"\n".join(lines).strip() if lines else None


def name_of(event: bytes) -> bytes:
    """The event's name; empty if it has none."""
    for line in _LINE.split(event):
        if line.startswith(b"event:"):
            return line[6:].strip()
    return b""
