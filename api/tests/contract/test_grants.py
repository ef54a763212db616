"""One contract, three kinds of grants: whoever takes of a limit need not ask which."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from penstock.state.grants import INSTANCES, Grants
from penstock.state.guarded_grants import GuardedGrants
from penstock.state.memory_grants import MOST_BOOKS, MemoryGrants
from penstock.state.redis_grants import RedisGrants
from redis.asyncio import Redis
from tests.clock import Clock
from tests.servers import RedisServer


@dataclass
class Subject:
    grants: Grants
    clock: Clock
    redis: Redis | None

    async def elapse(self, seconds: float) -> None:
        """Let time pass: by the clock, and by bringing the end of every grant in Redis so much nearer."""
        self.clock.advance(seconds)
        if self.redis is None:
            return
        for key in await self.redis.keys("*:ends"):
            for name, ends in await self.redis.zrange(key, 0, -1, withscores=True):
                await self.redis.zadd(key, {name: ends - seconds * 1000})

    async def take(self, grant: str, want: int, least: int = 1, limit: int = 10) -> tuple[int, float]:
        given = await self.grants.take("shop", grant, limit=limit, want=want, least=least, charged_s=62)
        return given.amount, round(given.wait_s) if math.isfinite(given.wait_s) else math.inf


@pytest.fixture(params=["memory", "redis", "guarded"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    clock = Clock()
    if request.param == "memory":
        yield Subject(MemoryGrants(clock), clock, None)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with contextlib.AsyncExitStack() as stack:
        redis = await stack.enter_async_context(Redis.from_url(server.url))
        grants: Grants = RedisGrants(server.url, deadline_s=2)
        if request.param == "guarded":
            grants = GuardedGrants(grants, MemoryGrants(clock), clock=clock)
        stack.push_async_callback(grants.aclose)
        yield Subject(grants, clock, redis)


async def test_takes_no_more_than_there_is(subject: Subject) -> None:
    assert [await subject.take(name, 4) for name in "abcd"] == [(4, 0), (4, 0), (2, 0), (0, 62)]


async def test_takes_the_least_or_nothing_and_says_when_it_will_be_there(subject: Subject) -> None:
    await subject.take("a", 4)
    await subject.elapse(10)
    await subject.take("b", 4)
    assert await subject.take("c", 9, least=3) == (0, 52)
    assert await subject.take("c", 9, least=7) == (0, 62)
    assert await subject.take("c", 9, least=11) == (0, math.inf)
    assert await subject.take("c", 9, least=2) == (2, 0)


async def test_a_grant_counts_until_its_end_and_no_longer(subject: Subject) -> None:
    await subject.take("a", 10)
    await subject.elapse(61)
    assert await subject.take("b", 1) == (0, 1)
    await subject.elapse(2)
    assert await subject.take("b", 10) == (10, 0)


async def test_what_is_given_back_can_be_taken_again(subject: Subject) -> None:
    await subject.take("a", 10)
    await subject.grants.correct("shop", {"a": -4, "unknown": -9}, 60)
    assert await subject.take("b", 10) == (4, 0)
    await subject.grants.correct("shop", {"a": -100}, 60)
    assert await subject.take("c", 10) == (6, 0), "less than nothing is not held"


async def test_what_was_used_beyond_counts_also_when_the_grant_is_over(subject: Subject) -> None:
    await subject.take("a", 5)
    await subject.grants.correct("shop", {"a": 3}, 60)
    assert await subject.take("b", 10) == (2, 0)
    await subject.elapse(63)
    await subject.grants.correct("shop", {"a": 7}, 60)
    assert await subject.take("c", 10) == (3, 0)


async def test_says_how_the_limit_stands(subject: Subject) -> None:
    given = await subject.grants.take("shop", "a", limit=10, want=4, least=1, charged_s=62)
    assert (given.left, round(given.full_s)) == (6, 62)
    await subject.elapse(20)
    given = await subject.grants.take("shop", "b", limit=10, want=9, least=9, charged_s=62)
    assert (given.amount, given.left, round(given.full_s)) == (0, 6, 42)


async def test_limits_are_apart_and_may_change(subject: Subject) -> None:
    await subject.take("a", 10)
    other = await subject.grants.take("lab", "a", limit=10, want=10, least=1, charged_s=62)
    assert other.amount == 10
    assert await subject.take("b", 10, limit=12) == (2, 0)
    assert (await subject.take("c", 1, limit=5))[0] == 0


async def test_those_who_take_at_once_do_not_take_more_together(subject: Subject) -> None:
    taken = await asyncio.gather(*(subject.take(f"grant-{at}", 7, limit=100) for at in range(30)))
    assert sum(amount for amount, _ in taken) == 100


async def test_seats_are_shared_and_said_anew(subject: Subject) -> None:
    async def seat(holder: str, want: int) -> tuple[int, int]:
        return tuple(await subject.grants.seat("shop", holder, want=want, limit=10, ttl_s=10))

    assert [await seat("a", 6), await seat("b", 6)] == [(6, 1), (4, 2)]
    assert [await seat("a", 2), await seat("b", 9)] == [(2, 2), (8, 2)]
    assert [await seat("a", 0), await seat("b", 99)] == [(0, 1), (10, 1)]
    await subject.elapse(11)
    assert await seat("a", 10) == (10, 1), "who says nothing has none"


async def test_memory_keeps_nothing_of_days_that_are_over() -> None:
    clock = Clock()
    grants = MemoryGrants(clock)
    for at in range(5 * MOST_BOOKS):
        await grants.take(f"key-{at}", "a", limit=10, want=1, least=1, charged_s=100)
        clock.advance(1)
    assert len(grants._books) <= MOST_BOOKS
    assert not (await grants.take("key-4999", "b", limit=1, want=1, least=1, charged_s=100)).amount


@dataclass
class Guarded:
    """An instance's grants, over a Redis that comes and goes."""

    grants: GuardedGrants
    redis: RedisServer
    clock: Clock

    async def take(self, grant: str, want: int, least: int = 1) -> int:
        return (await self.grants.take("shop", grant, limit=10, want=want, least=least, charged_s=62)).amount


@pytest.fixture
async def guarded(redis_server: RedisServer) -> AsyncIterator[Guarded]:
    """One of three instances."""
    clock = Clock()
    grants = GuardedGrants(RedisGrants(redis_server.url, deadline_s=2), MemoryGrants(clock), clock=clock)
    for holder in ("me", "another", "a third"):
        await grants.seat(INSTANCES, holder, want=1, limit=99, ttl_s=600)
    yield Guarded(grants, redis_server, clock)
    await grants.aclose()


async def test_without_redis_each_goes_on_with_its_share(guarded: Guarded) -> None:
    guarded.redis.kill()
    assert [await guarded.take("a", 9), await guarded.take("b", 9)] == [3, 0]
    await guarded.grants.correct("shop", {"a": -2}, 60)
    assert await guarded.take("c", 9) == 2
    assert (await guarded.grants.seat("open", "me", want=9, limit=10, ttl_s=9)).granted == 3
    guarded.clock.advance(62)
    assert await guarded.take("d", 8, least=8) == 8, "what fits into the whole limit is not refused for ever"
    guarded.clock.advance(62)
    assert await guarded.take("e", 11, least=11) == 0, "and what it has not is"


async def test_what_was_taken_of_all_counts_as_taken_of_its_share(guarded: Guarded) -> None:
    assert await guarded.take("a", 2) == 2
    guarded.redis.kill()
    assert await guarded.take("b", 9) == 1


async def test_redis_hears_of_what_was_taken_while_it_was_away(guarded: Guarded) -> None:
    guarded.redis.kill()
    assert await guarded.take("a", 3) == 3
    await guarded.grants.correct("shop", {"a": -1}, 60)
    guarded.redis.start()
    assert await guarded.take("b", 9) == 1, "it is left alone for a while"
    guarded.clock.advance(1)
    assert await guarded.take("c", 9) == 7


async def test_redis_hears_of_what_was_corrected_while_it_was_away(
    require: Callable[[str], str], tmp_path: Path
) -> None:
    server = RedisServer(require("redis-server"), tmp_path, keeps=True)
    server.start()
    clock = Clock()
    guarded = Guarded(GuardedGrants(RedisGrants(server.url, 2), MemoryGrants(clock), clock=clock), server, clock)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(server.kill)
        stack.push_async_callback(guarded.grants.aclose)
        assert [await guarded.take("a", 5), await guarded.take("b", 2)] == [5, 2]
        server.stop()
        assert await guarded.take("c", 1) == 1
        await guarded.grants.correct("shop", {"a": -4, "b": 1}, 60)
        server.start()
        clock.advance(1)
        assert await guarded.take("d", 9) == 10 - 1 - 3 - 1


async def test_redis_does_not_hear_of_what_has_ceased_to_count(guarded: Guarded) -> None:
    guarded.redis.kill()
    assert await guarded.take("a", 3) == 3
    guarded.clock.advance(62)
    assert await guarded.take("b", 2) == 2
    guarded.redis.start()
    guarded.clock.advance(1)
    assert await guarded.take("c", 9) == 8


async def test_redis_hears_once_of_what_several_can_tell(guarded: Guarded) -> None:
    guarded.redis.kill()
    assert await guarded.take("a", 3) == 3
    guarded.redis.start()
    guarded.clock.advance(1)
    assert await asyncio.gather(*(guarded.take(name, 1) for name in "bcd")) == [1, 1, 1]
    assert await guarded.take("e", 9) == 4


async def test_redis_hears_though_nobody_asks_for_more(guarded: Guarded) -> None:
    guarded.redis.kill()
    assert await guarded.take("a", 3) == 3
    guarded.redis.start()
    guarded.clock.advance(1)
    await guarded.grants.seat(INSTANCES, "me", want=1, limit=99, ttl_s=600)
    other = RedisGrants(guarded.redis.url, deadline_s=2)
    assert (await other.take("shop", "b", limit=10, want=9, least=1, charged_s=62)).amount == 7
    await other.aclose()
