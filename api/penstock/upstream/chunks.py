"""HTTP's chunks (RFC 9112, 7.1). Those of events are short, and mostly all that a read brings."""

from __future__ import annotations

from typing import Final

SHORT: Final = 1024
"""Chunks of less data are looked up: formatting the line before one takes four times as long."""
_LINES: Final = [b"%x\r\n" % size for size in range(SHORT)]
_BEFORE: Final = [b""] * (SHORT + 8)
"""For the length of a whole chunk, the line that it begins with; empty if there is none. An empty chunk is the end."""
for _size in range(1, SHORT):
    _BEFORE[len(_LINES[_size]) + _size + 2] = _LINES[_size]


def framed(data: bytes) -> bytes:
    """As a chunk."""
    size = len(data)
    if size < SHORT:
        return _LINES[size] + data + b"\r\n"
    return b"%x\r\n%b\r\n" % (size, data)


def alone(data: bytes) -> bytes:
    """What is in a chunk, if these bytes are one, whole and plain; else nothing: that takes a parser."""
    size = len(data)
    if size >= SHORT:
        return b""
    line = _BEFORE[size]
    if not line or not data.startswith(line) or not data.endswith(b"\r\n"):
        return b""
    return data[len(line) : size - 2]
