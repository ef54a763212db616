"""The fewest replicas that hold what has to be held, whatever the scenario."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import inf

from penstock.capacity.calls import Asked, asked_by, doubled
from penstock.capacity.inputs import Filled
from penstock.capacity.simulation import Outcome, Scenario, Simulation, trouble_at

APART_S = 10_000.0
"""Between requests of which each is alone."""


@dataclass
class Search:
    """Every simulation is made once. More replicas are taken to do no worse."""

    inputs: Filled
    _seen: dict[tuple[Scenario, int], Outcome] = field(default_factory=dict)

    @cached_property
    def asked(self) -> list[Asked]:
        return asked_by(self.inputs)

    @cached_property
    def _twice(self) -> list[Asked]:
        inputs = self.inputs
        return doubled(self.asked, trouble_at(inputs), float(inputs.doubling_s), inputs.seed + 3)

    @cached_property
    def alone(self) -> Outcome:
        """The same requests, each by itself: no pool is quicker."""
        apart = [each._replace(at=number * APART_S) for number, each in enumerate(self.asked)]
        return Simulation(apart, self.inputs, Scenario.NOTHING, 1).run()

    def outcome(self, scenario: Scenario, size: int) -> Outcome:
        if (scenario, size) not in self._seen:
            asked = self._twice if scenario is Scenario.DOUBLING else self.asked
            self._seen[scenario, size] = Simulation(asked, self.inputs, scenario, size).run()
        return self._seen[scenario, size]

    def holds(self, outcome: Outcome) -> bool:
        first, total = self.inputs.first_token_p99, self.inputs.total_p99
        return outcome.first_token.p99 <= float(first or inf) and outcome.total.p99 <= float(total or inf)

    def fewest(self, scenario: Scenario) -> int | None:
        """None if not even `most` do, or a request by itself takes too long. What happens makes none unneeded."""
        if not self.holds(self.alone):
            return None
        if scenario is Scenario.NOTHING:
            return self._above(scenario, self._too_few())
        least = self.fewest(Scenario.NOTHING)
        return None if least is None else self._above(scenario, least - 1)

    def _too_few(self) -> int:
        """Fewer than those that reading alone keeps busy, if these are too few indeed."""
        seconds = sum(each.prompt for each in self.asked) / float(self.inputs.prefill)
        busy = min(int(seconds / (60 * float(self.inputs.minutes))), self.inputs.most) - 1
        return busy if busy > 0 and not self.holds(self.outcome(Scenario.NOTHING, busy)) else 0

    def _above(self, scenario: Scenario, low: int) -> int | None:
        """The fewest above `low` that hold it: by steps that double, then by halves."""
        enough, step = low + 1, 1
        while not self.holds(self.outcome(scenario, enough)):
            if enough >= self.inputs.most:
                return None
            low, step = enough, 2 * step
            enough = min(low + step, self.inputs.most)
        while enough - low > 1:
            middle = (low + enough) // 2
            if self.holds(self.outcome(scenario, middle)):
                enough = middle
            else:
                low = middle
        return enough
