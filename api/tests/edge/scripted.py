"""Peers that are ready, and do with requests what a test says."""

from collections.abc import Awaitable, Callable

from tests.wire import Peer, Script, sized

Deed = Callable[[Peer, bytes], Awaitable[None]]
"""Given a connection and the request that came, head and body."""


class Scripted:
    """The script of one peer. It counts the requests that it took."""

    def __init__(self, deed: Deed) -> None:
        self._deed = deed
        self.taken: list[bytes] = []

    @property
    def script(self) -> Script:
        async def serve(peer: Peer) -> None:
            while True:
                head = await peer.head()
                if head.startswith(b"GET /health/ready "):
                    await peer.send(sized(b"{}"))
                    continue
                self.taken.append(head)
                await self._deed(peer, head)

        return serve


async def answer(peer: Peer, head: bytes) -> None:
    await peer.send(sized(b"{}"))


async def reset(peer: Peer, head: bytes) -> None:
    peer.reset()
    raise ConnectionError


async def silent(peer: Peer, head: bytes) -> None:
    await peer.gone()
    raise ConnectionError
