"""Memory has a bound, and the URL chooses the store."""

import pytest
from penstock.settings import SettingsError
from penstock.state.from_url import store_from_url
from penstock.state.guarded import GuardedStore
from penstock.state.memory import MemoryStore
from tests.clock import Clock


def ignore(up: bool, why: str) -> None:
    del up, why


async def test_living_keys_are_bounded_and_those_that_end_soonest_go_first() -> None:
    store = MemoryStore(Clock(), max_keys=100)
    for number in range(1000):
        await store.mark(f"k{number}", 1000 - number)
        assert len(store) <= 100
    assert await store.marked(["k0"]) == {"k0"}, "the one that would have ended last"


async def test_ended_keys_are_swept_long_before_the_bound() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    for number in range(10_000):
        await store.count(f"k{number}", 10)
        clock.advance(1)
    assert len(store) <= 1024


async def test_a_key_set_again_in_a_full_table_drops_no_other() -> None:
    store = MemoryStore(Clock(), max_keys=10)
    names = [f"k{number}" for number in range(10)]
    for name in names * 3:
        await store.mark(name, 10)
    assert await store.marked(names) == set(names)


async def test_no_url_is_memory() -> None:
    assert isinstance(store_from_url("", clock=Clock(), on_change=ignore), MemoryStore)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "rediss://127.0.0.1:1/2", "unix:///nowhere/redis.sock"])
async def test_a_redis_url_is_a_guarded_redis(url: str) -> None:
    store = store_from_url(url, clock=Clock(), on_change=ignore)
    assert isinstance(store, GuardedStore)
    assert await store.count("calls", 10) == 1
    await store.aclose()


def test_another_url_is_refused_without_repeating_its_password() -> None:
    with pytest.raises(ValueError, match="redis://") as refused:
        store_from_url("http://user:secret@cache", clock=Clock(), on_change=ignore)
    assert "secret" not in str(refused.value)
    with pytest.raises(SettingsError) as odd:
        store_from_url("redis://:secret@cache/0?socket_timeout=secret", clock=Clock(), on_change=ignore)
    assert "secret" not in str(odd.value)
