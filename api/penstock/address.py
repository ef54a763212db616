"""Whether an address can be listened on, asked before anything is started for it."""

from __future__ import annotations

import contextlib
import socket


class CannotListen(Exception):
    """Nothing can be served here. The message says where, and why not."""


def refuse_taken(host: str, port: int) -> None:
    """Raises CannotListen if the port is taken, or is not ours to take."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, _, _, address in found:
            with contextlib.closing(socket.socket(family, kind)) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise CannotListen(f"cannot listen on {host} port {port}: {why.lower()}") from None
