"""The store that instances share: one Redis command, or one script, for each verb."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from penstock.state.store import StoreUnavailableError

T = TypeVar("T")

PREFIX = "penstock:"
COUNT = """
local hits = redis.call('INCR', KEYS[1])
if hits == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return hits
"""


class RedisStore:
    """The five verbs over Redis at a `redis://`, `rediss://` or `unix://` URL.

    Nothing is retried, and every verb answers within `deadline_s`, the wait for a connection included. What
    goes wrong, in whichever way, is raised as StoreUnavailableError.
    """

    def __init__(self, url: str, deadline_s: float = 0.25, connections: int = 8) -> None:
        self._deadline_s = deadline_s
        self._redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                url,
                max_connections=connections,
                timeout=deadline_s,
                socket_timeout=deadline_s,
                socket_connect_timeout=deadline_s,
            )
        )

    async def count(self, key: str, window_s: float) -> int:
        return int(await self._answer(self._redis.eval(COUNT, 1, PREFIX + key, _milliseconds(window_s))))

    async def mark(self, key: str, ttl_s: float) -> None:
        await self._answer(self._redis.set(PREFIX + key, 1, px=_milliseconds(ttl_s)))

    async def marked(self, keys: Iterable[str]) -> frozenset[str]:
        if not (asked := list(keys)):
            return frozenset()
        values = await self._answer(self._redis.mget([PREFIX + key for key in asked]))
        return frozenset(key for key, value in zip(asked, values, strict=True) if value is not None)

    async def claim(self, key: str, ttl_s: float) -> bool:
        return bool(await self._answer(self._redis.set(PREFIX + key, 1, px=_milliseconds(ttl_s), nx=True)))

    async def clear(self, keys: Iterable[str]) -> None:
        if named := [PREFIX + key for key in keys]:
            await self._answer(self._redis.delete(*named))

    async def aclose(self) -> None:
        await self._redis.aclose(close_connection_pool=True)

    async def _answer(self, reply: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await reply
        except TimeoutError as error:
            raise StoreUnavailableError(f"no answer within {self._deadline_s} s") from error
        except (RedisError, OSError) as error:
            raise StoreUnavailableError(str(error) or type(error).__name__) from error


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
