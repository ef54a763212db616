"""Budgets that hold: what instances spend in a period is never more than it, but for what is over its estimate."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from penstock.callers.caller import Caller
from penstock.errors import BudgetSpent, RequestOverLimit
from penstock.limits.limiter import Limiter
from penstock.limits.meter import HOLD_S
from penstock.limits.purse import Payment, Purse, Short
from penstock.limits.till import Till
from penstock.settings.parts import FallbackBudget
from penstock.state.memory_grants import MemoryGrants
from tests.clock import Clock

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Time:
    """A clock, and the day that it is by it."""

    def __init__(self, start: datetime = NOON) -> None:
        self.clock = Clock()
        self._start = start - timedelta(seconds=self.clock())

    def today(self) -> datetime:
        return self._start + timedelta(seconds=self.clock())


def a_purse(grants: MemoryGrants, time: Time, holder: str = "a", **budgets: float) -> Purse:
    return Purse(grants, "shop", budgets, holder, time.clock, time.today)  # type: ignore[arg-type]  # names of periods


async def paid(purse: Purse, usd: float) -> Payment:
    payment = await purse.ask(usd)
    assert isinstance(payment, Payment)
    return payment


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),  # the instance
            st.floats(0.01, 3),  # what is reserved
            st.floats(0, 1),  # the part of it that it costs
            st.floats(0, 900),  # seconds until the next
            st.booleans(),  # it goes on in the background
        ),
        max_size=80,
    )
)
async def test_no_hour_and_no_day_costs_more_than_its_budget(
    steps: list[tuple[int, float, float, float, bool]],
) -> None:
    time = Time()
    grants = MemoryGrants(time.clock)
    purses = [a_purse(grants, time, name, hour=5, day=20) for name in "abc"]
    spent: dict[str, float] = {}
    for at, reserved, part, pause, tidies in steps:
        payment = await purses[at].ask(reserved)
        if isinstance(payment, Payment):
            for period in ("%d %H", "%d"):
                name = time.today().strftime(period)
                spent[name] = spent.get(name, 0) + reserved * part
                assert spent[name] <= (5 if "H" in period else 20) + 1e-6
            payment.settle(reserved * part)
        time.clock.advance(pause)
        if tidies:
            await purses[at].tidy()


async def test_what_was_not_spent_comes_back() -> None:
    time = Time()
    purse = a_purse(MemoryGrants(time.clock), time, day=1)
    for _ in range(50):
        (await paid(purse, 0.9)).settle(0.002)
    assert isinstance(await purse.ask(0.91), Short)
    (await paid(purse, 0.9)).settle(0.9)


async def test_what_was_spent_beyond_counts() -> None:
    time = Time()
    purse = a_purse(MemoryGrants(time.clock), time, day=1)
    (await paid(purse, 0.1)).settle(0.8)
    await purse.tidy()
    assert isinstance(await purse.ask(0.3), Short)


async def test_what_costs_nothing_needs_nothing_to_be_left() -> None:
    time = Time()
    purse = a_purse(MemoryGrants(time.clock), time, day=1)
    (await paid(purse, 1)).settle(1.2)
    assert isinstance(await purse.ask(0.001), Short)
    (purse.take(0) or await paid(purse, 0)).settle(0)
    time.clock.advance(HOLD_S)
    await purse.tidy()
    (await paid(purse, 0)).settle(0)


async def test_all_instances_have_one_budget_and_one_hears_of_it() -> None:
    time = Time()
    grants = MemoryGrants(time.clock)
    first, second = a_purse(grants, time, "a", day=1), a_purse(grants, time, "b", day=1)
    (await paid(first, 0.7)).settle(0.7)
    time.clock.advance(HOLD_S)
    await first.tidy()
    assert isinstance(await second.ask(0.4), Short)
    await second.look()
    (state,) = second.states()
    assert (state.period, state.budget_usd, state.left_usd) == ("day", 1, pytest.approx(0.3))


async def test_a_long_request_settles_though_its_lease_has_ended() -> None:
    time = Time()
    purse = a_purse(MemoryGrants(time.clock), time, day=1)
    payment = await paid(purse, 0.9)
    time.clock.advance(60)
    await purse.tidy()
    assert not purse.idle
    payment.settle(0.1)
    await purse.tidy()
    assert purse.idle
    (await paid(purse, 0.85)).settle(0)


@pytest.mark.parametrize(
    ("period", "now", "wait_s"),
    [
        ("hour", datetime(2026, 11, 26, 12, 59, 30, tzinfo=UTC), 30),
        ("day", datetime(2026, 11, 26, 23, tzinfo=UTC), 3600),
        ("month", datetime(2026, 12, 31, tzinfo=UTC), 86_400),
    ],
)
async def test_a_new_period_has_its_budget_anew(period: str, now: datetime, wait_s: float) -> None:
    time = Time(now)
    purse = a_purse(MemoryGrants(time.clock), time, **{period: 1.0})
    (await paid(purse, 1)).settle(1)
    short = await purse.ask(0.01)
    assert short == Short(period, 1.0, wait_s)  # type: ignore[arg-type]
    time.clock.advance(wait_s)
    (await paid(purse, 1)).settle(1)


async def test_one_budget_that_refuses_gives_back_to_the_others() -> None:
    time = Time()
    purse = a_purse(MemoryGrants(time.clock), time, hour=10, day=1)
    (await paid(purse, 0.5)).settle(0.5)
    for _ in range(30):
        assert isinstance(await purse.ask(0.6), Short)
    left = {state.period: state.left_usd for state in purse.states()}
    assert left == {"hour": pytest.approx(9.5), "day": pytest.approx(0.5)}


class TestTill:
    def setup_method(self) -> None:
        self.time = Time()
        self.till = Till(FallbackBudget(usd_per_day=1), MemoryGrants(self.time.clock), self.time.clock, self.time.today)

    async def test_a_request_that_asks_two_clouds_pays_once(self) -> None:
        fare = self.till.fare(Caller(name="shop"), 0.7)
        assert [await fare.take(), await fare.take()] == [True, True]
        fare.close(0.2)
        assert [state.left_usd for state in self.till.states()] == [pytest.approx(0.8)]

    async def test_one_that_asked_none_costs_nothing(self) -> None:
        self.till.fare(Caller(name="shop"), 0.7).close(0)
        assert [state.left_usd for state in self.till.states()] == [1]

    async def test_a_cloud_that_was_not_heard_out_may_be_paid_all_of_it(self) -> None:
        fare = self.till.fare(Caller(name="shop"), 0.3)
        fare.unheard()
        fare.close(0)
        assert [state.left_usd for state in self.till.states()] == [1], "it was not asked yet"
        fare = self.till.fare(Caller(name="shop"), 0.3)
        assert [await fare.take(), await fare.take()] == [True, True]
        fare.unheard()
        fare.close(0.1)
        assert [state.left_usd for state in self.till.states()] == [pytest.approx(0.6)]

    async def test_the_critical_go_on_and_what_they_spend_counts(self) -> None:
        for name, critical, goes in (("a", False, True), ("b", False, False), ("c", True, True), ("d", False, False)):
            fare = self.till.fare(Caller(name=name, critical=critical), 0.7)
            assert await fare.take() is goes
            fare.close(0.7 if goes else 0)
        await self.till.tidy()
        assert [state.left_usd for state in self.till.states()] == [0]


async def test_a_caller_s_dollars_are_refused_in_openai_s_words() -> None:
    time = Time()
    limiter = Limiter(MemoryGrants(time.clock), time.clock, time.today)
    caller = Caller(name="shop", dollars_per_day=1, dollars_per_month=1.5)
    (await limiter.ask(caller, 0, 0.9)).close(0, 0.9)
    with pytest.raises(BudgetSpent, match=r"\$1 a day") as refused:
        await limiter.ask(caller, 0, 0.2)
    assert (refused.value.status, refused.value.code, refused.value.type) == (429, *["insufficient_quota"] * 2)
    assert refused.value.retry_after == 12 * 3600
    with pytest.raises(RequestOverLimit, match=r"\$1.2, and this key may spend \$1 a day"):
        await limiter.ask(caller, 0, 1.2)
    time.clock.advance(12 * 3600)
    with pytest.raises(BudgetSpent, match=r"\$1.5 a month"):
        await limiter.ask(caller, 0, 0.7)
    (await limiter.ask(caller, 0, 0.5)).close(0, 0.5)
