"""The grants that instances share: one script for each verb, so each is atomic. Times are those of Redis's clock.

A key's grants are a sorted set, each by the millisecond when it ceases to count, and a hash of their amounts.
"""

import math
from collections.abc import Mapping

from penstock.state.grants import Grant, Seats
from penstock.state.redis import PREFIX, RedisLink, milliseconds

_OPENING = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('ZREM', KEYS[1], name)
  redis.call('HDEL', KEYS[2], name)
end
local function total()
  local sum = 0
  for _, amount in ipairs(redis.call('HVALS', KEYS[2])) do sum = sum + amount end
  return sum
end
local function full_ms()
  local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return last[2] and last[2] - now or 0
end
local function put(name, amount, ms)
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + ms), name)
  redis.call('HSET', KEYS[2], name, amount)
  for _, key in ipairs(KEYS) do
    if redis.call('PTTL', key) < tonumber(ms) then redis.call('PEXPIRE', key, ms) end
  end
end
"""
_TAKE = (
    _OPENING
    + """
local grant, limit, want, least, ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local free = limit - total()
if free >= least then
  local amount = math.min(want, free)
  put(grant, amount + (redis.call('HGET', KEYS[2], grant) or 0), ms)
  return {amount, 0, free - amount, full_ms()}
end
local missing = least - free
local counted = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for at = 1, #counted, 2 do
  missing = missing - redis.call('HGET', KEYS[2], counted[at])
  if missing <= 0 then return {0, counted[at + 1] - now, math.max(0, free), full_ms()} end
end
return {0, -1, math.max(0, free), full_ms()}
"""
)
_CORRECT = (
    _OPENING
    + """
for at = 2, #ARGV, 2 do
  local name, change = ARGV[at], tonumber(ARGV[at + 1])
  local held = redis.call('HGET', KEYS[2], name)
  if held then
    redis.call('HSET', KEYS[2], name, math.max(0, held + change))
  elseif change > 0 then
    put(name, change, ARGV[1])
  end
end
return 1
"""
)
_SEAT = (
    _OPENING
    + """
local holder, want, limit, ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
redis.call('ZREM', KEYS[1], holder)
redis.call('HDEL', KEYS[2], holder)
local granted = math.max(0, math.min(want, limit - total()))
if granted > 0 then put(holder, granted, ms) end
return {granted, redis.call('ZCARD', KEYS[1])}
"""
)


class RedisGrants(RedisLink):
    """The three verbs."""

    def __init__(self, url: str, deadline_s: float = 0.25, connections: int = 8) -> None:
        super().__init__(url, deadline_s, connections)
        self._take = self._redis.register_script(_TAKE)
        self._correct = self._redis.register_script(_CORRECT)
        self._seat = self._redis.register_script(_SEAT)

    async def take(self, key: str, grant: str, *, limit: int, want: int, least: int, charged_s: float) -> Grant:
        told: list[str | int] = [grant, limit, want, least, milliseconds(charged_s)]
        amount, wait_ms, left, full_ms = await self._answer(self._take(_names(key), told))
        return Grant(amount, math.inf if wait_ms < 0 else wait_ms / 1000, left, full_ms / 1000)

    async def correct(self, key: str, changes: Mapping[str, int], charged_s: float) -> None:
        told = (part for change in changes.items() for part in change)
        await self._answer(self._correct(_names(key), [milliseconds(charged_s), *told]))

    async def seat(self, key: str, holder: str, *, want: int, limit: int, ttl_s: float) -> Seats:
        told: list[str | int] = [holder, want, limit, milliseconds(ttl_s)]
        granted, holders = await self._answer(self._seat(_names(key), told))
        return Seats(granted, holders)


def _names(key: str) -> list[str]:
    """In one slot of a cluster."""
    return [f"{PREFIX}{{{key}}}:ends", f"{PREFIX}{{{key}}}:amounts"]
