"""What was counted, as the status page and the terminal show it."""

from __future__ import annotations

from pydantic import BaseModel

from penstock.telemetry.lately import EVERY_S, Counts, Lately, percentile


class Percentiles(BaseModel):
    """In seconds; none where nothing was measured."""

    p50: float | None
    p95: float | None
    p99: float | None


class Figures(BaseModel):
    """Of the last minutes. Shares are of 1, and none where there is nothing to share."""

    requests_per_s: float
    error_share: float | None
    fallback_share: float | None
    tokens_per_s: float
    latency_s: Percentiles
    first_token_s: Percentiles


class Dollars(BaseModel):
    """Since the start."""

    saved_usd: float
    cost_usd: float


class Series(BaseModel):
    """A second's requests and errors in each `every_s` of the last minutes, the oldest first."""

    every_s: float
    requests_per_s: list[float]
    errors_per_s: list[float]


def figures_of(counts: Counts, seconds: float) -> Figures:
    """Of what came in so many seconds."""
    seconds = max(seconds, 1.0)  # just after the start, a request is no storm
    return Figures(
        requests_per_s=round(counts.requests / seconds, 3),
        error_share=_share(counts.errors, counts.requests),
        fallback_share=_share(counts.fallbacks, counts.answered),
        tokens_per_s=round(counts.output_tokens / seconds, 1),
        latency_s=_percentiles(counts.seconds),
        first_token_s=_percentiles(counts.first_token),
    )


def dollars_of(counts: Counts) -> Dollars:
    return Dollars(saved_usd=round(counts.saved_usd, 6), cost_usd=round(counts.cost_usd, 6))


def series_of(lately: Lately) -> Series:
    pairs = list(lately.series())
    return Series(
        every_s=EVERY_S,
        requests_per_s=[round(requests, 3) for requests, _ in pairs],
        errors_per_s=[round(errors, 3) for _, errors in pairs],
    )


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


def _percentiles(buckets: list[int]) -> Percentiles:
    p50, p95, p99 = (percentile(share, buckets) for share in (0.5, 0.95, 0.99))
    return Percentiles(p50=_micros(p50), p95=_micros(p95), p99=_micros(p99))


def _micros(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
