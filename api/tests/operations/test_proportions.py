"""Chances are what counting every case says."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from operations.proportions import binomial_tail, fisher


def exact_fisher(hits: int, trials: int, control_hits: int, control_trials: int) -> float:
    all_hits = hits + control_hits
    ways = sum(comb(trials, k) * comb(control_trials, all_hits - k) for k in range(hits, min(trials, all_hits) + 1))
    return float(Fraction(ways, comb(trials + control_trials, all_hits)))


def exact_tail(hits: int, trials: int, percent: int) -> float:
    share = Fraction(percent, 100)
    return float(sum(comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(hits, trials + 1)))


@st.composite
def hits_of(draw: st.DrawFn) -> tuple[int, int]:
    trials = draw(st.integers(1, 60))
    return draw(st.integers(0, trials)), trials


@given(hits_of(), hits_of())
def test_fisher(canary: tuple[int, int], control: tuple[int, int]) -> None:
    assert fisher(*canary, *control) == pytest.approx(exact_fisher(*canary, *control), rel=1e-6)


@given(hits_of(), st.integers(0, 100))
def test_binomial_tail(seen: tuple[int, int], percent: int) -> None:
    assert binomial_tail(*seen, percent / 100) == pytest.approx(exact_tail(*seen, percent), rel=1e-6, abs=1e-300)


def test_the_tea_lady() -> None:
    assert fisher(3, 4, 1, 4) == pytest.approx(17 / 70)


def test_millions_take_no_time_and_do_not_overflow() -> None:
    assert fisher(1_100, 1_000_000, 1_000, 1_000_000) == pytest.approx(0.0154, rel=0.02)
    assert fisher(1_000_000, 5_000_000, 10, 5_000_000) == 0
    assert fisher(10, 5_000_000, 1_000_000, 5_000_000) == pytest.approx(1)
    assert binomial_tail(20_000, 1_000_000, 0.02) == pytest.approx(0.5, abs=0.01)
