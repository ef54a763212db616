"""HTTP's chunks (RFC 9112, 7.1). Those of events are short, and mostly all that a read brings."""

from __future__ import annotations

from typing import Final

SHORT: Final = 1024
"""Chunks of less data are looked up: formatting the line before one takes more than twice as long."""
_LINES: Final = [b"%x\r\n" % size for size in range(SHORT)]
_BEFORE: Final = {len(line) + size + 2: line for size, line in enumerate(_LINES) if size}
"""For the length of a whole chunk, the line that it begins with. An empty chunk is the end, and is not among them."""


def framed(data: bytes) -> bytes:
    """As a chunk."""
    size = len(data)
    if size < SHORT:
        return _LINES[size] + data + b"\r\n"
    return b"%x\r\n%b\r\n" % (size, data)


def alone(data: bytes) -> bytes:
    """What is in a chunk, if these bytes are one, whole and plain; else nothing: that takes a parser."""
    line = _BEFORE.get(len(data))
    if line is None or not data.startswith(line) or not data.endswith(b"\r\n"):
        return b""
    return data[len(line) : -2]
