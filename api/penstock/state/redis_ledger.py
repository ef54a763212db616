"""The ledger that instances share: a hash for each day, and for each instance the number of its last batch.

All keys have one hash tag, so that a cluster keeps them in one place and one script reaches them.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import orjson

from penstock.state.ledger import KEPT_DAYS, Batch, Counts, Row, Sums
from penstock.state.redis import PREFIX, RedisLink

# Amounts stay strings: Lua's numbers are doubles.
_ADD = """
local last = tonumber(redis.call('GET', KEYS[1]) or 0)
if last >= tonumber(ARGV[2]) then return last end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[1])
for at = 3, #ARGV, 4 do
  if tonumber(ARGV[at]) > last then
    redis.call('HINCRBY', KEYS[tonumber(ARGV[at + 1])], ARGV[at + 2], ARGV[at + 3])
  end
end
for at = 2, #KEYS do redis.call('EXPIRE', KEYS[at], ARGV[1]) end
return last
"""
_KEPT_S = KEPT_DAYS * 86400
_DAYS = PREFIX + "{usage}:day:"
_INSTANCES = PREFIX + "{usage}:instance:"


class RedisLedger(RedisLink):
    """The verbs. Nothing that a request waits for asks them, so their deadline is long."""

    def __init__(self, url: str, deadline_s: float = 2.0) -> None:
        super().__init__(url, deadline_s, connections=2)
        self._add = self._redis.register_script(_ADD)

    async def add(self, instance: str, batches: Sequence[Batch]) -> int:
        days = sorted({row.day for batch in batches for row in batch.sums})
        keys = [_INSTANCES + instance, *map(_key, days)]
        steps = (part for batch in batches for step in _steps(batch, days) for part in step)
        return int(await self._answer(self._add(keys, [_KEPT_S, batches[-1].number, *steps])))

    async def read(self, first: date, last: date) -> Sums:
        days = [first + timedelta(days=at) for at in range((last - first).days + 1)]
        asked = self._redis.pipeline(transaction=False)
        for day in days:
            asked.hgetall(_key(day))
        hashes = await self._answer(asked.execute())
        return {row: counts for day, told in zip(days, hashes, strict=True) for row, counts in _sums(day, told)}


def _key(day: date) -> str:
    return _DAYS + day.isoformat()


def _steps(batch: Batch, days: Sequence[date]) -> Iterator[tuple[int, int, bytes, int]]:
    """The number, where its day's key stands, the field, and how much more."""
    for row, counts in batch.sums.items():
        for kind, amount in zip(Counts._fields, counts, strict=True):
            if amount:
                yield batch.number, 2 + days.index(row.day), orjson.dumps([row.caller, row.model, kind]), amount


def _sums(day: date, told: dict[bytes, bytes]) -> Iterator[tuple[Row, Counts]]:
    found: dict[tuple[str, str], dict[str, int]] = {}
    for field, amount in told.items():
        caller, model, kind = orjson.loads(field)
        found.setdefault((caller, model), {})[kind] = int(amount)
    return ((Row(day, *names), Counts(**amounts)) for names, amounts in found.items())
