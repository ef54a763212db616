"""One contract, four stores: whoever is handed a Store need not ask which."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from penstock.state.guarded import GuardedStore
from penstock.state.memory import MemoryStore
from penstock.state.redis import RedisStore
from penstock.state.store import Store
from redis.asyncio import Redis
from tests.clock import Clock
from tests.servers import RedisServer


@dataclass
class Subject:
    store: Store
    clock: Clock
    redis: Redis | None

    async def elapse(self, seconds: float) -> None:
        """Let time pass: by the clock, and by bringing the end of every key in Redis so much nearer."""
        self.clock.advance(seconds)
        if self.redis is None:
            return
        for key in await self.redis.keys("*"):
            left_ms = await self.redis.pttl(key)
            assert left_ms > 0, f"{key!r} never ends"
            await self.redis.pexpire(key, int(left_ms - seconds * 1000))


@pytest.fixture(params=["memory", "redis", "redis by socket", "guarded"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    clock = Clock()
    if request.param == "memory":
        yield Subject(MemoryStore(clock), clock, None)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with contextlib.AsyncExitStack() as stack:
        redis = await stack.enter_async_context(Redis.from_url(server.url))
        store: Store = RedisStore(server.socket_url if "socket" in request.param else server.url, deadline_s=2)
        if request.param == "guarded":
            store = GuardedStore(store, MemoryStore(clock), clock=clock, on_change=lambda *change: pytest.fail(change))
        stack.push_async_callback(store.aclose)
        yield Subject(store, clock, redis)


async def test_counts_the_hits_of_one_window(subject: Subject) -> None:
    assert [await subject.store.count("calls", 10) for _ in range(3)] == [1, 2, 3]
    assert await subject.store.count("others", 10) == 1


async def test_a_window_opens_at_its_first_hit_and_is_not_prolonged(subject: Subject) -> None:
    await subject.store.count("calls", 10)
    await subject.elapse(6)
    assert await subject.store.count("calls", 10) == 2
    await subject.elapse(6)
    assert await subject.store.count("calls", 10) == 1


async def test_a_mark_ends_by_itself(subject: Subject) -> None:
    await subject.store.mark("open:a", 10)
    await subject.elapse(9)
    assert await subject.store.marked(["open:a"]) == {"open:a"}
    await subject.elapse(1.5)
    assert await subject.store.marked(["open:a"]) == frozenset()


async def test_marking_again_starts_the_time_anew(subject: Subject) -> None:
    await subject.store.mark("open:a", 10)
    await subject.elapse(9)
    await subject.store.mark("open:a", 10)
    await subject.elapse(9)
    assert await subject.store.marked(["open:a"]) == {"open:a"}


async def test_marked_names_those_of_the_asked_that_are_set(subject: Subject) -> None:
    await subject.store.mark("a", 10)
    await subject.store.mark("b", 10)
    assert await subject.store.marked(["b", "c"]) == {"b"}
    assert await subject.store.marked([]) == frozenset()


async def test_a_claim_is_the_first_ones_until_it_ends(subject: Subject) -> None:
    assert await subject.store.claim("probe:a", 10)
    assert not await subject.store.claim("probe:a", 10)
    await subject.elapse(9)
    assert not await subject.store.claim("probe:a", 10)
    await subject.elapse(1.5)
    assert await subject.store.claim("probe:a", 10)


async def test_of_many_at_once_one_gets_the_claim_and_each_its_own_count(subject: Subject) -> None:
    claims = await asyncio.gather(*(subject.store.claim("probe:a", 10) for _ in range(40)))
    counts = await asyncio.gather(*(subject.store.count("calls", 10) for _ in range(40)))
    assert claims.count(True) == 1
    assert sorted(counts) == list(range(1, 41))


async def test_clear_forgets_whatever_the_key_held(subject: Subject) -> None:
    await subject.store.mark("mark", 10)
    await subject.store.claim("claim", 10)
    await subject.store.count("count", 10)
    await subject.store.clear(["mark", "claim", "count", "never set"])
    await subject.store.clear([])
    assert await subject.store.marked(["mark"]) == frozenset()
    assert await subject.store.claim("claim", 10)
    assert await subject.store.count("count", 10) == 1


async def test_verbs_share_one_namespace(subject: Subject) -> None:
    await subject.store.claim("a", 10)
    assert await subject.store.marked(["a"]) == {"a"}
    assert not await subject.store.claim("a", 10)
    assert await subject.store.count("a", 10) == 2


async def test_times_shorter_than_redis_can_tell_are_not_refused(subject: Subject) -> None:
    await subject.store.mark("a", 0.0001)
    assert await subject.store.count("b", 0.0001) == 1


async def test_keys_in_redis_wear_our_prefix(subject: Subject) -> None:
    await subject.store.mark("a", 10)
    if subject.redis is not None:
        assert await subject.redis.keys("*") == [b"penstock:a"]
