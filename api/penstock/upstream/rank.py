"""In which order a call tries the replicas of a pool. Pure functions, one signature."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Standing(NamedTuple):
    """How a replica stands: its weight, and the calls at it now, ours and others'."""

    weight: float
    load: float


Ranker = Callable[[Sequence[Standing], int, random.Random], list[int]]
"""From the standings, the number of the call and a source of chance to the replicas' positions, best first."""


def round_robin(standings: Sequence[Standing], turn: int, rng: random.Random) -> list[int]:
    del rng
    count = len(standings)
    return [(turn + step) % count for step in range(count)]


def least_outstanding(standings: Sequence[Standing], turn: int, rng: random.Random) -> list[int]:
    """By load for its weight; equals take turns."""
    order = round_robin(standings, turn, rng)
    return sorted(order, key=lambda at: (standings[at].load + 1) / standings[at].weight)


def power_of_two(standings: Sequence[Standing], turn: int, rng: random.Random) -> list[int]:
    """Two by chance, the less loaded first; the rest by load (Mitzenmacher, 2001)."""
    if len(standings) < 2:
        return list(range(len(standings)))
    pair = rng.sample(range(len(standings)), 2)
    by_load = least_outstanding(standings, turn, rng)
    return [at for at in by_load if at in pair] + [at for at in by_load if at not in pair]


def weighted(standings: Sequence[Standing], turn: int, rng: random.Random) -> list[int]:
    """By chance, in proportion to weight, without looking at load (Efraimidis and Spirakis, 2006)."""
    del turn
    drawn = [rng.random() ** (1 / standing.weight) for standing in standings]
    return sorted(range(len(standings)), key=lambda at: -drawn[at])


RANKERS: Mapping[str, Ranker] = {
    "least_outstanding": least_outstanding,
    "power_of_two": power_of_two,
    "round_robin": round_robin,
    "weighted": weighted,
}
