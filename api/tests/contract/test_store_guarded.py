"""The plug is pulled: Redis killed, frozen, restarted, refusing. The gateway goes on and says so once."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from penstock.state.from_url import store_from_url
from penstock.state.guarded import GuardedStore
from penstock.state.redis import RedisStore
from penstock.state.store import Store, StoreUnavailableError
from tests.clock import Clock
from tests.servers import RedisServer

DEADLINE_S = 0.25
AT_ONCE_S = 8 * DEADLINE_S  # on a busy machine; had each caller waited by itself it would be several times more


class Guarded:
    """A store under guard, its clock, and every change that it reported."""

    def __init__(self, url: str, deadline_s: float = DEADLINE_S) -> None:
        self.clock = Clock()
        self.changes: list[bool] = []
        store = store_from_url(
            url,
            clock=self.clock,
            on_change=lambda up, _: self.changes.append(up),
            deadline_s=deadline_s,
            retry_s=1,
        )
        assert isinstance(store, GuardedStore)
        self.store = store

    async def every_verb(self) -> None:
        await self.store.mark("m", 30)
        assert await self.store.marked(["m", "n"]) == {"m"}
        await self.store.claim("c", 30)
        assert not await self.store.claim("c", 30)
        assert await self.store.count("hits", 30) >= 1
        await self.store.clear(["m", "c", "hits"])
        assert await self.store.marked(["m"]) == frozenset()


@pytest.fixture
async def guarded(redis_server: RedisServer) -> AsyncIterator[Guarded]:
    guarded = Guarded(redis_server.url)
    await guarded.every_verb()
    yield guarded
    await guarded.store.aclose()


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


async def test_killed_and_restarted(guarded: Guarded, redis_server: RedisServer) -> None:
    redis_server.kill()
    with within(AT_ONCE_S):
        for _ in range(20):
            await guarded.every_verb()
    assert guarded.changes == [False]
    assert not guarded.store.up

    redis_server.start()
    await guarded.every_verb()
    assert guarded.changes == [False], "asked before the retry interval was over"
    guarded.clock.advance(1)
    await guarded.every_verb()
    assert guarded.changes == [False, True]
    assert guarded.store.up


async def test_restarted_unnoticed_between_two_verbs_costs_at_most_one_change(
    guarded: Guarded, redis_server: RedisServer
) -> None:
    redis_server.kill()
    redis_server.start()
    await guarded.every_verb()
    guarded.clock.advance(1)
    await guarded.every_verb()
    assert guarded.changes in ([], [False, True])
    assert guarded.store.up


async def test_frozen_and_thawed(guarded: Guarded, redis_server: RedisServer) -> None:
    redis_server.freeze()
    with within(AT_ONCE_S):  # all of them wait at once, and more of them than there are connections
        counts = await asyncio.gather(*(guarded.store.count("calls", 30) for _ in range(200)))
    assert sorted(counts) == list(range(1, 201))
    with within(AT_ONCE_S):
        for _ in range(20):
            await guarded.every_verb()
    assert guarded.changes == [False]

    redis_server.thaw()
    guarded.clock.advance(1)
    await guarded.every_verb()  # a reply that came too late is not taken for the answer to another verb
    assert guarded.changes == [False, True]


async def test_away_at_the_start(guarded: Guarded, redis_server: RedisServer) -> None:
    redis_server.kill()
    late = Guarded(redis_server.url)
    await late.every_verb()
    assert late.changes == [False]
    await late.store.aclose()


async def test_marks_and_clears_that_redis_missed_are_told_to_it(guarded: Guarded, redis_server: RedisServer) -> None:
    other = RedisStore(redis_server.socket_url, deadline_s=2)
    await guarded.store.mark("drained:b", 600)
    redis_server.freeze()
    await guarded.store.mark("drained:a", 600)
    await guarded.store.mark("opened:a", 0.5)
    await guarded.store.clear(["drained:b"])
    redis_server.thaw()
    await other.mark("opened:a", 600)  # said by another instance meanwhile; ours has ended before we can tell it
    guarded.clock.advance(1)
    names = ["drained:a", "drained:b", "opened:a"]
    assert await guarded.store.marked(names) == {"drained:a", "opened:a"}
    assert await other.marked(names) == {"drained:a", "opened:a"}
    await other.aclose()


async def test_what_redis_never_heard_is_bounded(guarded: Guarded, redis_server: RedisServer) -> None:
    redis_server.kill()
    for number in range(400):
        await guarded.store.mark(f"m{number}", 600)
    redis_server.start()
    guarded.clock.advance(1)
    names = [f"m{number}" for number in range(400)]
    assert await guarded.store.marked(names) == set(names[-256:])


async def test_memory_goes_on_from_what_this_instance_said(guarded: Guarded, redis_server: RedisServer) -> None:
    await guarded.store.mark("drained:a", 600)
    redis_server.kill()
    assert await guarded.store.marked(["drained:a"]) == {"drained:a"}


async def accept(on_connect: Callable[[], None], answer: bytes | None) -> asyncio.Server:
    """A port where each connection is counted, then answered once or never, as a sick Redis would."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        on_connect()
        with contextlib.suppress(ConnectionError):
            if answer is not None:
                await reader.read(1)
                writer.write(answer)
            while answer is None and await reader.read(4096):
                pass
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


@pytest.mark.parametrize("answer", [None, b"", b"-LOADING Redis is loading\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_a_sick_redis_is_asked_once_per_interval(answer: bytes | None) -> None:
    asked: list[None] = []
    async with await accept(lambda: asked.append(None), answer) as server:
        deadline_s = 5 if answer is not None else DEADLINE_S
        guarded = Guarded(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", deadline_s)
        for _ in range(200):
            await guarded.every_verb()
        assert len(asked) == 1
        guarded.clock.advance(1)
        with within(AT_ONCE_S):
            await asyncio.gather(*(guarded.store.count("calls", 30) for _ in range(200)))
        assert len(asked) == 2
        assert guarded.changes == [False]
        await guarded.store.aclose()


async def test_a_caller_who_leaves_while_finding_out_harms_nobody(guarded: Guarded, redis_server: RedisServer) -> None:
    redis_server.freeze()
    await guarded.store.count("calls", 30)
    guarded.clock.advance(1)
    leaver = asyncio.create_task(guarded.store.count("calls", 30))
    await asyncio.sleep(0)
    leaver.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await leaver
    redis_server.thaw()
    guarded.clock.advance(1)
    await guarded.every_verb()
    assert guarded.changes == [False, True]


async def test_unguarded_redis_raises_one_error_for_every_way_to_fail(redis_server: RedisServer) -> None:
    store: Store = RedisStore(redis_server.url, DEADLINE_S)
    redis_server.freeze()
    with pytest.raises(StoreUnavailableError, match=r"within 0\.25 s"):
        await store.count("calls", 30)
    redis_server.kill()
    with pytest.raises(StoreUnavailableError):
        await store.count("calls", 30)
    await store.aclose()
