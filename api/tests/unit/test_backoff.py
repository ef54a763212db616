"""Retries stay within their budget, pauses within their bound, and a target's wish is read in every spelling."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from penstock.settings.parts import Retry
from penstock.upstream.backoff import RetryBudget, pause_s, retry_after_s
from tests.clock import Clock

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)

Step = tuple[float, bool]
steps = st.lists(
    st.tuples(st.sampled_from([0.0, 0.0, 0.0, 0.3, 0.9, 1.7, 4.0, 9.2, 10.0]), st.booleans()), max_size=200
)


@given(steps, st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.integers(0, 10))
@example([(0.9, True)] * 1 + [(0.0, False)] * 10 + [(9.2, False)], 0.0, 10)
def test_retries_of_any_ten_seconds_are_a_share_of_their_calls_and_the_floor(
    sequence: list[Step], ratio: float, floor: int
) -> None:
    clock = Clock()
    budget = RetryBudget(Retry(ratio=ratio, floor=floor), clock)
    calls: list[float] = []
    retries: list[float] = []
    for wait, is_call in sequence:
        clock.advance(wait)
        if is_call:
            budget.called()
            calls.append(clock.now)
        elif budget.take():
            retries.append(clock.now)
        recent_calls = sum(1 for time in calls if time > clock.now - 10)
        recent_retries = sum(1 for time in retries if time > clock.now - 10)
        if retries and retries[-1] == clock.now:
            assert recent_retries <= floor + ratio * recent_calls + 1e-9


def test_the_whole_budget_can_be_had_and_comes_back() -> None:
    clock = Clock()
    budget = RetryBudget(Retry(ratio=0.1, floor=10), clock)
    for _ in range(100):
        budget.called()
    assert sum(budget.take() for _ in range(100)) == 20
    clock.advance(11)
    assert sum(budget.take() for _ in range(100)) == 10, "the calls are gone, the floor stays"


def test_a_refused_retry_costs_nothing() -> None:
    clock = Clock()
    budget = RetryBudget(Retry(ratio=0, floor=1), clock)
    taken = []
    for _ in range(40):
        taken.append(budget.take())
        clock.advance(1)
    assert sum(taken) >= 3


@given(st.integers(0, 60), st.integers())
def test_a_pause_is_anywhere_below_a_bound_that_doubles(retries: int, seed: int) -> None:
    settings = Retry(backoff_s=0.02, backoff_max_s=0.25)
    pause = pause_s(settings, retries, random.Random(seed))
    assert 0 <= pause <= min(0.25, 0.02 * 2**retries)


@pytest.mark.parametrize(("retries", "bound"), [(0, 0.02), (1, 0.04), (2, 0.08), (10, 0.25)])
def test_pauses_use_all_of_their_room(retries: int, bound: float) -> None:
    rng = random.Random(1)
    pauses = [pause_s(Retry(backoff_s=0.02, backoff_max_s=0.25), retries, rng) for _ in range(500)]
    assert min(pauses) < 0.1 * bound
    assert max(pauses) > 0.9 * bound


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({b"retry-after": b"7"}, 7),
        ({b"retry-after": b" 2.5 "}, 2.5),
        ({b"retry-after": b"0"}, 0),
        ({b"retry-after": b"3600"}, 60),
        ({b"retry-after-ms": b"1500"}, 1.5),
        ({b"retry-after-ms": b"1500", b"retry-after": b"9"}, 1.5),
        ({b"retry-after-ms": b"9999999"}, 60),
        ({b"retry-after": b"Thu, 01 Jan 2026 12:00:20 GMT"}, 20),
        ({b"retry-after": b"Thu, 01 Jan 2026 14:00:20 +0200"}, 20),
        ({b"retry-after": b"Thu, 01 Jan 2026 12:00:20"}, 20),
        ({b"retry-after": b"Fri, 02 Jan 2026 12:00:00 GMT"}, 60),
        ({b"retry-after": b"Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({b"retry-after": b""}, None),
        ({b"retry-after": b"soon"}, None),
        ({b"retry-after": b"-5"}, None),
        ({b"retry-after-ms": b"-5"}, 0),
        ({b"retry-after": b"nan"}, None),
        ({b"retry-after-ms": b"nan"}, None),
        ({b"retry-after-ms": b"inf"}, 60),
        ({b"retry-after-ms": b"soon"}, None),
        ({b"retry-after": b"1e999"}, 60),
        ({b"retry-after": b"\xb2"}, None),
        ({b"retry-after": b"Mon, 01 Jan 99999999999 00:00:00 GMT"}, None),
        ({b"retry-after": b"Mon, 01 Jan 2024 00:00:00 +99999999999999999999"}, None),
    ],
)
def test_what_a_target_asks_to_wait(headers: dict[bytes, bytes], seconds: float | None) -> None:
    assert retry_after_s(headers, NOW) == seconds


_date_like = st.from_regex(
    rb"\A[A-Z][a-z]{2}, [0-9]{1,12} [A-Z][a-z]{2} [0-9]{1,25} [0-9:]{1,12}( [+-]?[0-9A-Z]{1,25})?\Z"
)


@given(st.sampled_from([b"retry-after", b"retry-after-ms"]), st.binary(max_size=40) | _date_like)
def test_whatever_stands_there_is_a_bounded_wait_or_none(name: bytes, value: bytes) -> None:
    wait = retry_after_s({name: value}, NOW)
    assert wait is None or 0 <= wait <= 60
