"""A way to the engine that can be cut, as the network between a deploy and its host can be."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Self

SCHEME = "unix://"


class Wire:
    """A socket at `path` with the engine's behind it. A context manager; `url` is for DOCKER_HOST."""

    def __init__(self, engine: str, path: Path) -> None:
        assert engine.startswith(SCHEME), f"only a socket can be stood before, and the engine is at {engine}"
        self.url = f"{SCHEME}{path}"
        self._engine = engine.removeprefix(SCHEME)
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(path))
        self._door.listen(64)
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._is_cut = False

    def cut(self) -> None:
        """What is open breaks off, and whoever comes is sent away at once."""
        with self._lock:
            self._is_cut = True
            for each in self._open:
                with contextlib.suppress(OSError):  # it has ended by itself
                    each.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._is_cut = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.cut()
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the door is closed
            while True:
                client, _ = self._door.accept()
                self._join(client)

    def _join(self, client: socket.socket) -> None:
        with self._lock:
            if self._is_cut:
                client.close()
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._engine)
            self._open += [client, server]
        threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        """Both ways, to the end of both."""
        back = threading.Thread(target=_pour, args=(server, client), daemon=True)
        back.start()
        _pour(client, server)
        back.join()
        with self._lock:
            for each in (client, server):
                self._open.remove(each)
                each.close()


def _pour(source: socket.socket, into: socket.socket) -> None:
    """Until the source has no more; the end is handed on, since docker says by it that its input is over."""
    with contextlib.suppress(OSError):  # cut
        while data := source.recv(65536):
            into.sendall(data)
        into.shutdown(socket.SHUT_WR)
