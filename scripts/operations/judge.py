"""All comparisons of a canary with its control, from Prometheus, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from operations.compare import Check, Demands, Hits, Verdict, rates, times
from operations.histogram import Histogram, histogram_of
from operations.prometheus import Prometheus, Window

ERRORS = ("failed", "timeout", "broken", "bug")
REFUSALS = ("refused", "busy")
NOBODYS = "client_gone"
PAUSE_S = 0.001
"""Between two tokens a millisecond matters: there are hundreds of them."""
RARE = 0.05
"""What makes up less of a colour's requests than this is judged where it can be, and waited for by nobody."""


@dataclass(frozen=True, slots=True)
class Report:
    canary: Window
    control: Window
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        verdicts = {check.verdict for check in self.checks}
        ordered: tuple[Verdict, ...] = ("breach", "too little data")
        return next((each for each in ordered if each in verdicts), "good")

    @property
    def why(self) -> str:
        """The checks that made the verdict."""
        return "; ".join(str(check) for check in self.checks if check.verdict == self.verdict)

    def as_json(self) -> dict[str, object]:
        return {"verdict": self.verdict, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Seen:
    """What one colour did."""

    outcomes: dict[str, float]
    fallbacks: int
    requests: Histogram
    first_tokens: Histogram
    inter_tokens: Histogram

    @property
    def count(self) -> int:
        return round(sum(value for outcome, value in self.outcomes.items() if outcome != NOBODYS))

    def hits(self, *outcomes: str) -> Hits:
        return Hits(round(sum(self.outcomes.get(each, 0) for each in outcomes)), self.count)

    @property
    def fallback_hits(self) -> Hits:
        return Hits(min(self.fallbacks, self.count), self.count)


def judge(prometheus: Prometheus, canary: Window, control: Window, demands: Demands) -> Report:
    """Raises CannotAsk."""
    return Report(canary, control, tuple(_checks(_seen(prometheus, canary), _seen(prometheus, control), demands)))


def _seen(prometheus: Prometheus, window: Window) -> Seen:
    def histogram(name: str) -> Histogram:
        return histogram_of(prometheus.by("le", f"penstock_{name}_bucket", window))

    return Seen(
        prometheus.by("outcome", "penstock_requests_total", window),
        round(sum(prometheus.by("reason", "penstock_fallback_total", window).values())),
        histogram("request_seconds"),
        histogram("first_token_seconds"),
        histogram("inter_token_seconds"),
    )


def _checks(canary: Seen, control: Seen, demands: Demands) -> Iterator[Check]:
    yield rates("error rate", canary.hits(*ERRORS), control.hits(*ERRORS), demands)
    yield rates("refusal rate", canary.hits(*REFUSALS), control.hits(*REFUSALS), demands)
    yield rates("fallback rate", canary.fallback_hits, control.fallback_hits, demands)
    for quantile in demands.quantiles:
        yield times(f"request p{quantile * 100:g}", quantile, canary.requests, control.requests, demands)
    for quantile in demands.quantiles:
        name = f"first token p{quantile * 100:g}"
        check = times(name, quantile, canary.first_tokens, control.first_tokens, demands)
        yield _if_used(check, canary, control)
    speed = times("tokens per second", 0.5, canary.inter_tokens, control.inter_tokens, demands, PAUSE_S)
    yield _per_second(_if_used(speed, canary, control))


def _if_used(check: Check, canary: Seen, control: Seen) -> Check:
    """Streams are waited for only where they are a part of the traffic."""
    streams = check.canary_count + check.control_count
    rare = streams < RARE * (canary.count + control.count) or not streams
    return replace(check, verdict="not used") if rare and check.verdict == "too little data" else check


def _per_second(check: Check) -> Check:
    """The pause between tokens told as a speed, as people know it."""
    canary, control = (1 / pause if pause else 0 for pause in (check.canary, check.control))
    return replace(check, canary=canary, control=control, unit="tokens/s")
