"""What a search found: for each scenario the fewest replicas and their month, and dollars over what is to be held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, inf, isfinite

from penstock.capacity.case import Case
from penstock.capacity.search import Search
from penstock.capacity.simulation import Outcome, Scenario

BEYOND, SIZES = 3, 24
"""The curve goes so many replicas beyond the largest of the answers, and has at most so many sizes."""
LONGEST_S = 60.0
"""A first token that takes longer is not drawn."""


@dataclass(frozen=True, slots=True)
class Found:
    """`replicas` is None if none of the sizes holds it; the outcome is then that of the most."""

    scenario: Scenario
    replicas: int | None
    outcome: Outcome
    month_usd: Fraction | None


@dataclass(frozen=True, slots=True)
class Step:
    """With so many replicas the first token's p99 is held from here on, in seconds."""

    first_token_p99: float
    replicas: int
    month_usd: Fraction


class Answer:
    """Raises NoLoad where the inputs describe none."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.search = Search(case.inputs)
        self.rows = tuple(self._found(scenario) for scenario in Scenario)

    def _found(self, scenario: Scenario) -> Found:
        replicas = self.search.fewest(scenario)
        outcome = self.search.outcome(scenario, replicas) if replicas else self.search.alone
        return Found(scenario, replicas, outcome, self.case.monthly_usd(replicas) if replicas else None)

    @property
    def can_be_held(self) -> bool:
        """By requests that are alone, at least."""
        return self.search.holds(self.search.alone)

    @cached_property
    def largest(self) -> int:
        return max((row.replicas or 0 for row in self.rows), default=0)

    def steps(self, scenario: Scenario) -> Iterator[Step]:
        """From the fewest replicas to some more than asked for, each that holds a shorter time than those before."""
        best, most = inf, min(self.largest + BEYOND, self.case.inputs.most)
        for size in range(1, most + 1, ceil(most / SIZES)):
            held = self.search.outcome(scenario, size).first_token.p99
            if isfinite(held) and held < min(best, LONGEST_S):
                best = held
                yield Step(held, size, self.case.monthly_usd(size))
