"""What instances share, in Redis: one command, or one script, for each verb."""

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
# A version is at least the time in milliseconds, so that after a loss none comes again.
REPLACE = """
if tonumber(redis.call('HGET', KEYS[1], 'version') or 0) ~= tonumber(ARGV[1]) then return 0 end
local now = redis.call('TIME')
local version = math.max(ARGV[1] + 1, now[1] * 1000 + math.floor(now[2] / 1000))
redis.call('HSET', KEYS[1], 'version', string.format('%.0f', version), 'text', ARGV[2])
return 1
"""


class RedisLink:
    """Redis at a `redis://`, `rediss://` or `unix://` URL.

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


class RedisStore(RedisLink):
    """The five verbs."""

    async def count(self, key: str, window_s: float) -> int:
        return int(await self._answer(self._redis.eval(COUNT, 1, PREFIX + key, milliseconds(window_s))))

    async def mark(self, key: str, ttl_s: float) -> None:
        await self._answer(self._redis.set(PREFIX + key, 1, px=milliseconds(ttl_s)))

    async def marked(self, keys: Iterable[str]) -> frozenset[str]:
        if not (asked := list(keys)):
            return frozenset()
        values = await self._answer(self._redis.mget([PREFIX + key for key in asked]))
        return frozenset(key for key, value in zip(asked, values, strict=True) if value is not None)

    async def claim(self, key: str, ttl_s: float) -> bool:
        return bool(await self._answer(self._redis.set(PREFIX + key, 1, px=milliseconds(ttl_s), nx=True)))

    async def clear(self, keys: Iterable[str]) -> None:
        if named := [PREFIX + key for key in keys]:
            await self._answer(self._redis.delete(*named))


class RedisTable(RedisLink):
    """A text in a hash; it is kept as long as Redis keeps what it holds."""

    def __init__(self, url: str, name: str, deadline_s: float = 2.0) -> None:
        super().__init__(url, deadline_s, connections=1)
        self._key = f"{PREFIX}table:{name}"

    async def version(self) -> int:
        return int(await self._answer(self._redis.hget(self._key, "version")) or 0)

    async def read(self) -> tuple[int, str]:
        version, text = await self._answer(self._redis.hmget(self._key, ["version", "text"]))
        return int(version or 0), text.decode() if isinstance(text, bytes) else text or ""

    async def replace(self, text: str, version: int) -> bool:
        return bool(await self._answer(self._redis.eval(REPLACE, 1, self._key, version, text)))


def milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
