"""The HTTP connection, with what ASGI hides: when the client has gone, and ways to break off."""

import os
import socket
import struct
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Wire(HttpToolsProtocol):
    """Stands in each request's scope as `state["wire"]`; calls `on_gone` when the connection is lost."""

    on_gone: Callable[[], None] | None = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["wire"] = self

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.on_gone is not None:
            self.on_gone()

    def cut(self) -> None:
        """Closes the connection after what is written, wherever the response stands."""
        self.transport.close()

    def reset(self) -> None:
        """Closes the connection with a TCP reset, losing what is unsent."""
        # The socket is uvloop's: a duplicate of its descriptor reaches the same connection's options.
        with socket.socket(fileno=os.dup(self.transport.get_extra_info("socket").fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()
