"""What was counted in the last minutes."""

import pytest
from penstock.telemetry.lately import KEPT, Lately, percentile
from penstock.telemetry.metrics import SECONDS, Metrics
from tests.clock import Clock


class Told:
    """Metrics that a test counts in, and what is known of the last minutes."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.clock = Clock()
        self.lately = Lately(self.metrics, self.clock)

    def ask(self, model: str = "tiny", kind: str = "replica", outcome: str = "ok", seconds: float = 0.2) -> None:
        self.metrics.requests.of("chat", model, kind, outcome).inc()
        self.metrics.request_seconds.of("chat", model, kind).observe(seconds)

    def pass_by(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.lately.keep()


@pytest.fixture
def told() -> Told:
    return Told()


def test_only_what_came_within_the_span_counts(told: Told) -> None:
    told.ask()
    told.pass_by(100)
    told.ask(outcome="failed")
    told.ask("other", kind="none", outcome="refused")
    told.clock.advance(20)
    assert told.lately.span(300).seconds == 120
    assert told.lately.span(300).total.requests == 3
    recent = told.lately.span(60)
    assert (recent.seconds, recent.total.requests, recent.total.errors, recent.total.answered) == (20, 2, 1, 1)
    assert recent.models["tiny"].requests == 1
    assert told.lately.read().total.requests == 3


def test_what_is_older_than_the_ring_is_forgotten(told: Told) -> None:
    told.ask()
    for _ in range(KEPT + 1):
        told.pass_by(5)
    assert told.lately.span().total.requests == 0
    assert len(list(told.lately.series())) == KEPT


def test_a_reading_that_is_too_old_for_the_span_is_not_taken(told: Told) -> None:
    told.clock.advance(500)
    told.ask()
    assert told.lately.span(60).total.requests == 0


def test_operators_requests_are_nobody_s_traffic(told: Told) -> None:
    for surface in ("admin", "models", "other"):
        told.metrics.requests.of(surface, "none", "none", "failed").inc()
    assert (told.lately.span().total.requests, told.lately.span().total.errors) == (0, 0)


def test_sums(told: Told) -> None:
    told.metrics.tokens.of("tiny", "replica", "input").inc(1000)
    told.metrics.tokens.of("tiny", "replica", "output").inc(30)
    told.metrics.tokens.of("tiny", "cloud", "output_estimated").inc(3)
    told.metrics.fallback.of("tiny", "busy").inc()
    told.metrics.cost_usd.of("tiny", "cloud").inc(0.5)
    told.metrics.saved_usd.of("tiny").inc(2)
    told.metrics.first_token_seconds.of("tiny", "replica").observe(0.2)
    counts = told.lately.span().models["tiny"]
    assert (counts.output_tokens, counts.fallbacks, counts.cost_usd, counts.saved_usd) == (33, 1, 0.5, 2)
    assert percentile(0.5, counts.first_token) == pytest.approx(0.175)


def test_a_series_is_of_seconds(told: Told) -> None:
    told.ask()
    told.ask(outcome="bug")
    told.pass_by(4)
    told.pass_by(4)
    assert list(told.lately.series()) == [(0.5, 0.25), (0.0, 0.0)]


@pytest.mark.parametrize(
    ("share", "counts", "value"),
    [
        (0.5, [0] * 17, None),
        (0.5, [4, *[0] * 16], 0.0025),
        (1.0, [4, *[0] * 16], 0.005),
        (0.5, [0, 1, 1, *[0] * 14], 0.01),
        (0.99, [*[0] * 16, 3], 300),
        (0.5, [*[0] * 6, 10, *[0] * 10], 0.375),
    ],
)
def test_a_percentile_lies_within_its_bucket(share: float, counts: list[int], value: float | None) -> None:
    found = percentile(share, counts, SECONDS)
    assert found == (value if value is None else pytest.approx(value))
