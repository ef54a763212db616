"""A short question to a target, asked beside the road."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from penstock.upstream.exchange import Exchange
from penstock.upstream.target import Target
from penstock.upstream.transport import Transport
from penstock.upstream.wire_errors import WireError

ANSWER_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Glance:
    """Asks over connections of its own: it takes none from the calls, and they can leave it none."""

    transport: Transport

    async def get(self, target: Target, path: str, deadline: float) -> bytes | None:
        """The body of a 200; None for any other answer, for one that is too large, and where none comes in time."""
        exchange: Exchange | None = None
        try:
            left_s = deadline - asyncio.get_running_loop().time()
            exchange = await self.transport.send(
                target.origin, target.question(path), b"", connect_s=left_s, fresh=True
            )
            if await exchange.head(deadline) != 200:
                return None
            return await exchange.whole(ANSWER_BYTES, deadline)
        except (WireError, TimeoutError):
            return None
        finally:
            if exchange is not None:
                exchange.close()
