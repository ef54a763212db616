"""Is the canary worse than the control? Three answers: good, breach, too little data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from operations.histogram import Histogram
from operations.proportions import fisher

Verdict = Literal["good", "breach", "too little data", "not used"]


@dataclass(frozen=True, slots=True)
class Demands:
    """When something is said. Rates are shares of all requests, the tolerance of times is a factor.

    `min_times`: fewer times than this condemn nobody, as the first ones are those of a cold start.
    """

    min_requests: int = 100
    min_times: int = 20
    rate_tolerance: float = 0.01
    time_tolerance: float = 1.25
    quantiles: tuple[float, ...] = (0.5, 0.95, 0.99)
    certain: float = 0.001
    doubt: float = 0.05


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. `chance`: of a difference like this between two that are alike."""

    name: str
    verdict: Verdict
    canary: float
    control: float
    canary_count: int
    control_count: int
    chance: float
    unit: str = "s"

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.verdict}: canary {_told(self.canary, self.unit)} of {self.canary_count}, "
            f"control {_told(self.control, self.unit)} of {self.control_count}, by chance {self.chance:.2g}"
        )


@dataclass(frozen=True, slots=True)
class Hits:
    hits: int
    trials: int

    @property
    def share(self) -> float:
        return self.hits / self.trials if self.trials else 0.0


def rates(name: str, canary: Hits, control: Hits, demands: Demands) -> Check:
    """Does it happen more often? Counts decide, by Fisher's exact test."""
    chance = fisher(canary.hits, canary.trials, control.hits, control.trials)
    worse = canary.share > control.share + demands.rate_tolerance
    enough = min(canary.trials, control.trials) >= demands.min_requests
    verdict = _verdict(worse, chance, enough, demands)
    return Check(name, verdict, canary.share, control.share, canary.trials, control.trials, chance, "%")


def times(
    name: str, quantile: float, canary: Histogram, control: Histogram, demands: Demands, least_s: float = 0.01
) -> Check:
    """Is this quantile larger by more than the tolerance?

    It is, if the quantile read from the canary's buckets is, and if more of its values lie beyond the bucket of the
    control's quantile than chance would put there. A difference below `least_s` matters to nobody. What happens inside
    one bucket is not seen: they grow by up to 2.5.
    """
    if not canary.count or not control.count:
        return Check(name, "too little data", 0, 0, canary.count, control.count, 1)
    there, here = control.quantile(quantile), canary.quantile(quantile)
    bucket = control.bucket(quantile)
    chance = fisher(canary.above(bucket), canary.count, control.above(bucket), control.count)
    wanted = max(demands.min_requests, round(3 / (1 - quantile)))
    least = min(canary.count, control.count)
    if least < demands.min_times:
        return Check(name, "too little data", here, there, canary.count, control.count, chance)
    enough = least >= wanted
    worse = here > max(there * demands.time_tolerance, there + least_s)
    verdict = _verdict(worse, chance, enough, demands)
    return Check(name, verdict, here, there, canary.count, control.count, chance)


def _verdict(worse: bool, chance: float, enough: bool, demands: Demands) -> Verdict:
    if worse and chance < demands.certain:
        return "breach"
    if not enough or (worse and chance < demands.doubt):
        return "too little data"
    return "good"


def _told(value: float, unit: str) -> str:
    return f"{value:.2%}" if unit == "%" else f"{value:.4g} {unit}"
