"""Limits that hold: whatever instances do, no window of a minute holds more than a caller may have."""

import asyncio
import math
from collections.abc import Coroutine, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from penstock.callers.caller import Caller
from penstock.errors import RateLimited, RequestOverLimit
from penstock.limits.allowance import FREE, Admission
from penstock.limits.limiter import Limiter
from penstock.limits.limits import Limits
from penstock.limits.meter import HOLD_S, WINDOW_S, Meter, Share
from penstock.limits.seats import LAST_S, REFUSES_S, SeatRow
from penstock.limits.till import Till
from penstock.settings.parts import FallbackBudget
from penstock.state.grants import INSTANCES, Grant, Seats
from penstock.state.memory_grants import MemoryGrants
from tests.clock import Clock


class CountedGrants(MemoryGrants):
    """Memory's, that tell how often they were asked."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.asked = 0

    async def take(self, key: str, grant: str, *, limit: int, want: int, least: int, charged_s: float) -> Grant:
        self.asked += 1
        await asyncio.sleep(0)
        return await super().take(key, grant, limit=limit, want=want, least=least, charged_s=charged_s)

    async def seat(self, key: str, holder: str, *, want: int, limit: int, ttl_s: float) -> Seats:
        self.asked += 1
        return await super().seat(key, holder, want=want, limit=limit, ttl_s=ttl_s)


class Slow(MemoryGrants):
    """Memory's, whose answers are heard only when they are let go."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.let_go = asyncio.Event()

    async def take(self, key: str, grant: str, *, limit: int, want: int, least: int, charged_s: float) -> Grant:
        taken = await super().take(key, grant, limit=limit, want=want, least=least, charged_s=charged_s)
        await self.let_go.wait()
        return taken

    async def seat(self, key: str, holder: str, *, want: int, limit: int, ttl_s: float) -> Seats:
        seats = await super().seat(key, holder, want=want, limit=limit, ttl_s=ttl_s)
        await self.let_go.wait()
        return seats


class Unheard(MemoryGrants):
    """Memory's, that hear no correction until they do."""

    heard = False

    async def correct(self, key: str, changes: Mapping[str, int], charged_s: float) -> None:
        if not self.heard:
            await asyncio.Event().wait()
        await super().correct(key, changes, charged_s)


async def admitted(limiter: Limiter, caller: Caller, tokens: int, usd: float = 0) -> Admission:
    return limiter.take(caller, tokens, usd) or await limiter.ask(caller, tokens, usd)


async def one(meter: Meter, amount: int = 1) -> Share | float:
    return meter.take(amount) or await meter.fetch(amount)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),  # the instance
            st.integers(1, 40),  # what is reserved
            st.integers(0, 40),  # what of it is used
            st.floats(0, 9),  # seconds until the next
            st.booleans(),  # it goes on in the background
        ),
        max_size=120,
    )
)
async def test_no_window_ever_holds_more_than_the_limit(steps: list[tuple[int, int, int, float, bool]]) -> None:
    clock, limit = Clock(), 100
    grants = MemoryGrants(clock)
    meters = [Meter(grants, "shop", limit, clock) for _ in range(3)]
    used: list[tuple[float, int]] = []
    open_: list[tuple[Meter, Share, int]] = []
    for at, reserved, spent, pause, tidies in steps:
        share = await one(meters[at], reserved)
        if isinstance(share, Share):
            open_.append((meters[at], share, min(spent, reserved)))
            used.append((clock(), min(spent, reserved)))
        clock.advance(pause)
        if tidies and open_:
            meter, share, spent = open_.pop(0)
            meter.settle(share, spent)
        if tidies:
            await meters[at].tidy()
    for start, _ in used:
        assert sum(amount for when, amount in used if start <= when < start + WINDOW_S) <= limit


async def test_what_is_not_used_by_one_is_there_for_another() -> None:
    clock = Clock()
    grants = MemoryGrants(clock)
    mine, other = (Meter(grants, "shop", 100, clock) for _ in range(2))
    assert isinstance(await one(mine), Share)  # and four more are held
    assert [isinstance(await one(other, 95), Share), await one(other, 4)] == [True, HOLD_S + WINDOW_S]
    clock.advance(HOLD_S)
    await mine.tidy()
    assert isinstance(await one(other, 4), Share)


async def test_most_requests_ask_nobody() -> None:
    clock = Clock()
    grants = CountedGrants(clock)
    meter = Meter(grants, "shop", 1000, clock)
    taken = await asyncio.gather(*(one(meter) for _ in range(1000)))
    assert all(isinstance(share, Share) for share in taken)
    assert grants.asked == 20
    refused = await asyncio.gather(*(one(meter) for _ in range(1000)))
    assert not any(isinstance(share, Share) for share in refused)
    assert grants.asked == 21, "a flood of refused ones asks once"


async def test_a_refusal_says_when_to_come_again_and_then_it_is_true() -> None:
    clock = Clock()
    meter = Meter(MemoryGrants(clock), "shop", 10, clock)
    for _ in range(10):
        await one(meter)
    wait_s = await one(meter)
    assert isinstance(wait_s, float)
    assert 0 < wait_s <= HOLD_S + WINDOW_S
    clock.advance(wait_s)
    assert isinstance(await one(meter), Share)


async def test_tokens_that_were_not_generated_come_back_and_those_beyond_are_made_up_for() -> None:
    clock = Clock()
    meter = Meter(MemoryGrants(clock), "shop", 100, clock)
    share = await one(meter, 100)
    assert isinstance(share, Share)
    clock.advance(30)
    meter.settle(share, 20)
    again = await one(meter, 80)
    assert isinstance(again, Share)
    meter.settle(again, 90)
    clock.advance(HOLD_S)
    await meter.tidy()
    assert await one(meter, 1) != 0
    assert not isinstance(await one(meter, 1), Share)
    assert meter.standing().remaining == 0


async def test_seats_hold_across_instances_and_are_left_when_not_needed() -> None:
    clock = Clock()
    grants = MemoryGrants(clock)
    mine, other = (SeatRow(grants, "shop", 10, name, clock) for name in ("mine", "other"))
    assert [mine.sit() or await mine.find() for _ in range(7)] == [True] * 7
    assert [other.sit() or await other.find() for _ in range(5)] == [True] * 3 + [False] * 2
    for _ in range(6):
        mine.rise()
    assert not await other.find()
    await mine.refresh()
    clock.advance(REFUSES_S)
    assert [other.sit() or await other.find() for _ in range(7)] == [True] * 6 + [False]
    mine.rise()
    await mine.refresh()
    clock.advance(REFUSES_S)
    assert mine.idle
    assert other.sit() or await other.find()


async def test_a_flood_for_which_there_are_no_seats_asks_once() -> None:
    clock = Clock()
    grants = CountedGrants(clock)
    row = SeatRow(grants, "shop", 2, "mine", clock)
    assert sum(await asyncio.gather(*(row.find() for _ in range(100)))) == 2
    assert grants.asked == 3
    row.rise()
    assert row.sit(), "one of its own is free at once"


async def test_the_seats_of_an_instance_that_died_are_free_again() -> None:
    clock = Clock()
    grants = MemoryGrants(clock)
    dead, other = (SeatRow(grants, "shop", 4, name, clock) for name in ("dead", "other"))
    assert [dead.sit() or await dead.find() for _ in range(4)] == [True] * 4
    assert not await other.find()
    clock.advance(LAST_S)
    assert await other.find()


class TestLimiter:
    """Requests, tokens and seats of a caller together."""

    @pytest.fixture
    def limiter(self) -> Limiter:
        self.clock = Clock()
        return Limiter(MemoryGrants(self.clock), self.clock)

    async def test_a_caller_without_limits_is_free(self, limiter: Limiter) -> None:
        assert await admitted(limiter, Caller(name="shop"), 10**9) is FREE

    async def test_each_limit_refuses_for_itself(self, limiter: Limiter) -> None:
        for field, told in (("requests_per_minute", "requests"), ("tokens_per_minute", "tokens"), ("parallel", "open")):
            caller = Caller.model_validate({"name": field, field: 3})
            begun = [await admitted(limiter, caller, 1) for _ in range(3)]
            with pytest.raises(RateLimited, match=told) as refused:
                await admitted(limiter, caller, 1)
            assert refused.value.retry_after is not None
            for each in begun:
                each.close(1, 0)

    async def test_what_never_fits_is_no_matter_of_waiting(self, limiter: Limiter) -> None:
        with pytest.raises(RequestOverLimit, match="max_tokens"):
            await admitted(limiter, Caller(name="shop", tokens_per_minute=100), 101)

    async def test_a_refused_request_takes_nothing(self, limiter: Limiter) -> None:
        caller = Caller(name="shop", requests_per_minute=1, tokens_per_minute=100, parallel=2)
        first = await admitted(limiter, caller, 10)
        for _ in range(9):
            with pytest.raises(RateLimited, match="requests"):
                await admitted(limiter, caller, 90)
        first.close(10, 0)
        assert dict(limiter.standings(caller))["tokens"].remaining == 90
        self.clock.advance(WINDOW_S + HOLD_S)
        await limiter.tidy()
        assert await admitted(limiter, caller, 100)

    async def test_a_changed_limit_holds_at_once(self, limiter: Limiter) -> None:
        await admitted(limiter, Caller(name="shop", requests_per_minute=5), 0)
        with pytest.raises(RateLimited):
            await admitted(limiter, Caller(name="shop", requests_per_minute=1), 0)

    async def test_those_who_sit_go_on_sitting_when_the_limit_is_changed(self, limiter: Limiter) -> None:
        first = await admitted(limiter, Caller(name="shop", parallel=1), 0)
        more = Caller(name="shop", parallel=2)
        await admitted(limiter, more, 0)
        for _ in range(3):
            await limiter.tidy()
            with pytest.raises(RateLimited, match="2 requests open"):
                await admitted(limiter, more, 0)
        first.close(0, 0)
        await admitted(limiter, more, 0)

    async def test_they_do_so_though_there_was_no_limit_for_a_while(self, limiter: Limiter) -> None:
        first = await admitted(limiter, Caller(name="shop", parallel=1), 0)
        between = await admitted(limiter, Caller(name="shop", requests_per_minute=5), 0)
        await limiter.tidy()
        again = Caller(name="shop", parallel=1)
        with pytest.raises(RateLimited):
            await admitted(limiter, again, 0)
        between.close(0, 0)
        first.close(0, 0)
        await admitted(limiter, again, 0)

    async def test_a_long_request_settles_though_its_lease_has_ended(self, limiter: Limiter) -> None:
        caller = Caller(name="shop", tokens_per_minute=1000)
        long = await admitted(limiter, caller, 600)
        self.clock.advance(HOLD_S + 1)
        await limiter.tidy()
        long.close(900, 0)
        await limiter.tidy()
        with pytest.raises(RateLimited):
            await admitted(limiter, caller, 101)
        (await admitted(limiter, caller, 100)).close(0, 0)

    async def test_it_keeps_nothing_of_those_who_ask_no_more(self, limiter: Limiter) -> None:
        for at in range(50):
            caller = Caller(name=f"caller-{at}", requests_per_minute=5, tokens_per_minute=9, parallel=2)
            (await admitted(limiter, caller, 3)).close(3, 0)
        self.clock.advance(HOLD_S)
        await limiter.tidy()
        await limiter.tidy()
        assert not limiter._of

    async def test_it_tells_how_the_limits_stand(self, limiter: Limiter) -> None:
        caller = Caller(name="shop", requests_per_minute=40, tokens_per_minute=1000)
        assert [(name, each.remaining, each.full_s) for name, each in limiter.standings(caller)] == [
            ("requests", 40, 0.0),
            ("tokens", 1000, 0.0),
        ]
        (await admitted(limiter, caller, 100)).close(30, 0)
        told = dict(limiter.standings(caller))
        assert (told["requests"].remaining, told["tokens"].remaining) == (39, 970)
        assert math.isclose(told["requests"].full_s, HOLD_S + WINDOW_S)


async def test_what_was_used_beyond_is_told_though_the_one_who_tells_leaves() -> None:
    clock = Clock()
    grants = Unheard(clock)
    meter = Meter(grants, "shop", 100, clock)
    shares = [await one(meter, 10), await one(meter, 10)]
    assert all(isinstance(share, Share) for share in shares)
    clock.advance(HOLD_S)
    for share, used in zip(shares, (25, 2), strict=True):
        assert isinstance(share, Share)
        meter.settle(share, used)
    leaver = asyncio.create_task(meter.tidy())
    await asyncio.sleep(0)
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    grants.heard = True
    await meter.tidy()
    other = Meter(grants, "shop", 100, clock)
    assert [isinstance(await one(other, amount), Share) for amount in (66, 65)] == [False, True]


async def test_a_lease_ends_before_its_grant_does_however_late_the_answer_is_heard() -> None:
    clock = Clock()
    grants = Slow(clock)
    meter, row = Meter(grants, "shop", 100, clock), SeatRow(grants, "open", 40, "me", clock)
    asking = asyncio.gather(one(meter), row.find())
    await asyncio.sleep(0)
    clock.advance(1)
    grants.let_go.set()
    await asking
    clock.advance(HOLD_S - 1)
    assert meter.take(1) is None
    clock.advance(LAST_S - HOLD_S)
    assert not row.sit()


@pytest.mark.parametrize(
    "limits", [{"tokens_per_minute": 10}, {"requests_per_minute": 10}, {"parallel": 10}, {"dollars_per_day": 10}]
)
async def test_what_comes_when_the_client_has_left_goes_back(limits: dict[str, int]) -> None:
    clock = Clock()
    grants = Slow(clock)
    limiter, other = Limiter(grants, clock), Limiter(grants, clock)
    caller = Caller.model_validate({"name": "shop", **limits})
    for _ in range(3):
        await leave(limiter.ask(caller, 10, 10))
    grants.let_go.set()
    for _ in range(30):
        await asyncio.sleep(0)
    clock.advance(HOLD_S)
    await limiter.tidy()
    for _ in range(7):  # three may have begun
        await other.ask(caller, 1, 1)


async def test_so_does_what_was_to_be_paid_to_a_cloud() -> None:
    clock = Clock()
    grants = Slow(clock)
    till, other = (Till(FallbackBudget(usd_per_day=10), grants, clock) for _ in range(2))
    for _ in range(3):
        await leave(till.fare(Caller(name="shop"), 3).take())
    grants.let_go.set()
    for _ in range(30):
        await asyncio.sleep(0)
    clock.advance(HOLD_S)
    await till.tidy()
    assert await other.fare(Caller(name="shop"), 10).take()


async def test_an_instance_that_ends_leaves_nothing_behind() -> None:
    clock = Clock()
    grants = MemoryGrants(clock)
    ending, other = (Limits(FallbackBudget(usd_per_day=10), grants, clock) for _ in range(2))
    caller = Caller(name="shop", parallel=40, tokens_per_minute=100, requests_per_minute=100, dollars_per_day=1)
    admission, fare = await ending.limiter.ask(caller, 50, 0.5), ending.till.fare(caller, 4)
    assert await fare.take()
    await ending.limiter.tidy()
    admission.close(10, 0.1)
    fare.close(1)
    await ending.aclose()
    await other.limiter.tidy()
    assert (await grants.seat(INSTANCES, "counts", want=0, limit=9, ttl_s=1)).holders == 1
    assert await other.limiter.ask(caller, 90, 0.9)
    assert await other.till.fare(caller, 9).take()


async def leave(asking: Coroutine[object, object, object]) -> None:
    """Ask, and leave before there is an answer."""
    leaver = asyncio.create_task(asking)
    for _ in range(5):
        await asyncio.sleep(0)
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
