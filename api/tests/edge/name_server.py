"""A DNS server that knows the names that a test tells it."""

import socket
import struct
import threading
from typing import Self


class NameServer:
    """Answers on a UDP port of the loopback, from `names`, where several addresses stand with blanks between them.

    A context manager; while `silent`, it says nothing.
    """

    def __init__(self, names: dict[str, str], place: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.names = names
        self.silent = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(place)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.address = f"{place[0]}:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(512)
            if not query:
                return
            if not self.silent:
                self._socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        end = query.index(b"\0", 12) + 5
        labels, kind = query[12 : end - 5], query[end - 4 : end - 2]
        name = b".".join(_labels(labels)).decode().lower()
        addresses = self.names.get(name, "").split() if kind == b"\0\1" else []
        known = name in self.names
        head = query[:2] + struct.pack("!HHHHH", 0x8180 if known else 0x8183, 1, len(addresses) + bool(addresses), 0, 0)
        if not addresses:
            return head + query[12:end]
        # An alias of it comes first, as containers have them.
        alias = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 600, 2) + b"\xc0\x0c"
        record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 600, 4)
        return head + query[12:end] + alias + b"".join(record + socket.inet_aton(each) for each in addresses)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()


def _labels(labels: bytes) -> list[bytes]:
    found = []
    while labels:
        found.append(labels[1 : 1 + labels[0]])
        labels = labels[1 + labels[0] :]
    return found
