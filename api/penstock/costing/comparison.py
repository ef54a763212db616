"""Both costs side by side: at the load that is asked for, and over many loads."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from penstock.costing.api import MILLION, Api
from penstock.costing.breakeven import BreakEven
from penstock.costing.case import Case
from penstock.costing.selfhost import SECONDS, SelfHost

VOLUMES = tuple(lead * 10**power for power in range(5, 10) for lead in (1, 3))[:-1]
"""Requests a month, for the table."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Dollars a month at so many requests a month."""

    requests: int
    api_usd: Fraction
    own_usd: Fraction
    gpus_paid: int
    gpus_needed: int
    """At the peak."""

    @property
    def saved_usd(self) -> Fraction:
        """By one's own pool; negative where the API costs less."""
        return self.api_usd - self.own_usd

    @property
    def carried(self) -> bool:
        return self.gpus_paid >= self.gpus_needed


class Comparison:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.api = Api.of(case.inputs)
        self.own = SelfHost.of(case.inputs)
        self.break_even = BreakEven.of(self.api, self.own)
        self.asked = self.at(case.inputs.requests)

    def at(self, requests: int) -> Volume:
        own = self.own
        return Volume(
            requests,
            self.api.monthly(requests),
            own.monthly(requests),
            own.machines(requests) * own.gpus_each,
            own.gpus_at_the_peak(requests),
        )

    def over_volumes(self) -> list[Volume]:
        """The table's, with what is asked for among them."""
        return [self.at(requests) for requests in sorted({*VOLUMES, self.asked.requests})]

    @property
    def millions(self) -> Fraction:
        """Millions of tokens a month, in and out."""
        inputs = self.case.inputs
        return Fraction(inputs.requests * (inputs.tokens_in + inputs.tokens_out), MILLION)

    @property
    def rate(self) -> Fraction:
        """Requests a second, the month's mean."""
        return Fraction(self.asked.requests, SECONDS)
