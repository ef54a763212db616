"""The order in which a call tries its replicas."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from penstock.upstream.rank import RANKERS, Standing, least_outstanding, power_of_two, round_robin, weighted

RNG = random.Random(7)

standings_ = st.lists(st.builds(Standing, st.floats(0.01, 100), st.floats(0, 1000)), max_size=8)


def even(*loads: float) -> list[Standing]:
    return [Standing(1, load) for load in loads]


@pytest.mark.parametrize("name", sorted(RANKERS))
@given(standings=standings_, turn=st.integers(0, 10**9), seed=st.integers())
def test_every_ranker_orders_every_replica_once(name: str, standings: list[Standing], turn: int, seed: int) -> None:
    order = RANKERS[name](standings, turn, random.Random(seed))
    assert sorted(order) == list(range(len(standings)))


def test_round_robin_takes_turns_whatever_the_load() -> None:
    orders = [round_robin(even(9, 0, 5), turn, RNG) for turn in range(4)]
    assert orders == [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]


def test_the_least_loaded_comes_first() -> None:
    assert least_outstanding(even(5, 1, 3), 0, RNG) == [1, 2, 0]


def test_equals_take_turns() -> None:
    firsts = Counter(least_outstanding(even(2, 2, 2), turn, RNG)[0] for turn in range(300))
    assert firsts == {0: 100, 1: 100, 2: 100}


def test_a_replica_of_double_weight_carries_double_the_load() -> None:
    loads = [0, 0]
    for turn in range(300):
        first = least_outstanding([Standing(1, loads[0]), Standing(2, loads[1])], turn, RNG)[0]
        loads[first] += 1
    assert loads[1] == pytest.approx(200, abs=2)


def test_of_two_by_chance_the_less_loaded_comes_first() -> None:
    rng = random.Random(3)
    firsts = Counter(power_of_two(even(0, 1, 2, 3), turn, rng)[0] for turn in range(6000))
    assert firsts[3] == 0, "the most loaded loses to each"
    assert firsts[0] == pytest.approx(3000, rel=0.1)
    assert firsts[1] == pytest.approx(2000, rel=0.1)
    assert firsts[2] == pytest.approx(1000, rel=0.15)


def test_after_the_two_the_others_come_by_load() -> None:
    rng = random.Random(3)
    for turn in range(50):
        order = power_of_two(even(3, 2, 1, 0), turn, rng)
        assert order[0] > order[1]
        assert order[2] > order[3]


def test_weights_share_the_calls_whatever_the_load() -> None:
    rng = random.Random(3)
    standings = [Standing(1, 0), Standing(3, 100)]
    firsts = Counter(weighted(standings, turn, rng)[0] for turn in range(8000))
    assert firsts[1] == pytest.approx(6000, rel=0.05)
