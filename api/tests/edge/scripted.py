"""Peers that are ready, and do with requests what a test says."""

from collections.abc import Awaitable, Callable

from tests.wire import Peer, Script, sized

Deed = Callable[[Peer, bytes], Awaitable[None]]
"""Given a connection and the request that came, head and body."""


class Scripted:
    """The script of one peer. It counts the requests that it took."""

    def __init__(self, deed: Deed, check: Deed | None = None) -> None:
        """`check` is what it does when it is asked whether it is ready: it says that it is."""
        self._deed = deed
        self._check = check or answer
        self.taken: list[bytes] = []

    @property
    def script(self) -> Script:
        async def serve(peer: Peer) -> None:
            while True:
                head = await peer.head()
                if head.startswith(b"GET /health/ready "):
                    await self._check(peer, head)
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
