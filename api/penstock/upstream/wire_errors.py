"""How a connection to a target fails a response."""

from __future__ import annotations


class WireError(Exception):
    """The connection did not carry the response to its end."""


class Unreachable(WireError):
    """No connection could be made, or a fresh one was reset before its first byte."""


class Stale(WireError):
    """A reused connection was closed before the first byte: the other side had given it up already."""


class Cut(WireError):
    """The connection ended, or what it carried was not HTTP, after the response had begun."""


class Full(WireError):
    """As many connections as are allowed are in use."""
