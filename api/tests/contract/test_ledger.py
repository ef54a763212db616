"""One contract, two kinds of ledger: whoever adds to one need not ask which."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
from penstock.state.ledger import Batch, Counts, Ledger, Row
from penstock.state.memory_ledger import MemoryLedger
from penstock.state.redis_ledger import RedisLedger
from penstock.state.store import StoreUnavailableError
from redis.asyncio import Redis
from tests.servers import RedisServer

DAY = date(2026, 11, 26)
SHOP, LAB = Row(DAY, "shop", "tiny"), Row(DAY, "lab", "tiny")
ONE = Counts(1, 10, 20, cost_nano_usd=7)


@pytest.fixture(params=["memory", "redis"])
async def ledger(request: pytest.FixtureRequest) -> AsyncIterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger()
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with contextlib.aclosing(RedisLedger(server.url)) as ledger:
        yield ledger


async def read(ledger: Ledger, first: date = DAY, last: date = DAY) -> dict[Row, Counts]:
    return dict(await ledger.read(first, last))


async def test_adds_up_what_all_instances_counted(ledger: Ledger) -> None:
    every = Counts(*range(1, 9))
    assert await ledger.add("one", [Batch(1, {SHOP: every, LAB: ONE})]) == 0
    assert await ledger.add("another", [Batch(1, {SHOP: every})]) == 0
    assert await ledger.add("one", [Batch(2, {SHOP: ONE})]) == 1
    assert await read(ledger) == {SHOP: every.plus(every).plus(ONE), LAB: ONE}


async def test_takes_a_batch_once_however_often_it_comes(ledger: Ledger) -> None:
    first, second, third = Batch(1, {SHOP: ONE}), Batch(2, {LAB: ONE}), Batch(3, {SHOP: ONE})
    assert await ledger.add("one", [first]) == 0
    assert await ledger.add("one", [first]) == 1
    assert await ledger.add("one", [first, second, third]) == 1
    assert await ledger.add("one", [second]) == 3
    assert await ledger.add("one", [third]) == 3
    assert await read(ledger) == {SHOP: ONE.plus(ONE), LAB: ONE}


async def test_days_are_apart(ledger: Ledger) -> None:
    rows = [Row(DAY + timedelta(days=at), "shop", "tiny") for at in (-1, 0, 1)]
    await ledger.add("one", [Batch(1, dict.fromkeys(rows[:2], ONE)), Batch(2, {rows[2]: ONE})])
    assert await read(ledger) == {rows[1]: ONE}
    assert await read(ledger, rows[0].day, rows[1].day) == dict.fromkeys(rows[:2], ONE)
    assert await read(ledger, rows[0].day, rows[2].day + timedelta(days=30)) == dict.fromkeys(rows, ONE)


async def test_no_name_is_taken_for_another(ledger: Ledger) -> None:
    rows = [Row(DAY, *names) for names in (("a", "b:c"), ("a:b", "c"), ("", "a:b:c"), ('a","b', "c"), ("é\x1f", "ü"))]
    await ledger.add("one", [Batch(1, dict.fromkeys(rows, ONE))])
    assert await read(ledger) == dict.fromkeys(rows, ONE)


async def test_sums_are_exact_beyond_what_a_double_holds(ledger: Ledger) -> None:
    large = Counts(1, cost_nano_usd=2**60 + 1)
    await ledger.add("one", [Batch(1, {SHOP: large}), Batch(2, {SHOP: Counts(cost_nano_usd=2)})])
    assert (await read(ledger))[SHOP].cost_nano_usd == 2**60 + 3


async def test_what_comes_twice_at_once_is_taken_once(ledger: Ledger) -> None:
    batches = [Batch(number, {SHOP: ONE}) for number in range(1, 4)]
    await asyncio.gather(*(ledger.add("one", batches) for _ in range(10)))
    assert (await read(ledger))[SHOP].requests == 3


async def test_memory_forgets_what_is_too_old() -> None:
    ledger = MemoryLedger()
    await ledger.add("one", [Batch(1, {SHOP: ONE})])
    late = Row(DAY + timedelta(days=401), "shop", "tiny")
    await ledger.add("one", [Batch(2, {late: ONE})])
    assert await read(ledger, DAY, late.day) == {late: ONE}


async def test_redis_keeps_it_for_400_days(redis_server: RedisServer) -> None:
    async with contextlib.aclosing(RedisLedger(redis_server.url)) as ledger, Redis.from_url(redis_server.url) as redis:
        await ledger.add("one", [Batch(1, {SHOP: ONE})])
        for key in ("penstock:{usage}:day:2026-11-26", "penstock:{usage}:instance:one"):
            assert 399 * 86400 < await redis.ttl(key) <= 400 * 86400


async def test_a_redis_that_is_away_is_said_to_be(redis_server: RedisServer) -> None:
    async with contextlib.aclosing(RedisLedger(redis_server.url)) as ledger:
        redis_server.kill()
        with pytest.raises(StoreUnavailableError):
            await ledger.add("one", [Batch(1, {SHOP: ONE})])
        with pytest.raises(StoreUnavailableError):
            await ledger.read(DAY, DAY)


async def test_a_full_redis_takes_nothing_of_a_batch(redis_server: RedisServer) -> None:
    async with contextlib.aclosing(RedisLedger(redis_server.url)) as ledger, Redis.from_url(redis_server.url) as redis:
        await redis.config_set("maxmemory", 1)
        with pytest.raises(StoreUnavailableError):
            await ledger.add("one", [Batch(1, {SHOP: ONE})])
        await redis.config_set("maxmemory", 0)
        assert await ledger.add("one", [Batch(1, {SHOP: ONE})]) == 0
        assert await read(ledger) == {SHOP: ONE}
