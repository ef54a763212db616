"""How likely counts like these are by chance alone."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, lgamma, log

NEGLIGIBLE = 1e-12


def binomial_tail(hits: int, trials: int, share: float) -> float:
    """The chance of so many hits or more, if each trial hits with this share."""
    if hits <= 0:
        return 1.0
    if share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    up, down = log(share), log(1 - share)
    return _tail(hits, trials, lambda k: _choose(trials, k) + k * up + (trials - k) * down)


def fisher(hits: int, trials: int, control_hits: int, control_trials: int) -> float:
    """Fisher's exact test, one-sided: the chance of so many of all hits falling here, if both sides are alike."""
    if hits <= 0 or not trials:
        return 1.0
    all_hits, everything = hits + control_hits, trials + control_trials
    whole = _choose(everything, all_hits)
    most = min(trials, all_hits)
    return _tail(hits, most, lambda k: _choose(trials, k) + _choose(control_trials, all_hits - k) - whole)


def _tail(first: int, last: int, log_chance: Callable[[int], float]) -> float:
    """The sum from `first` on. Once the terms fall, those that no longer matter are left out."""
    total, before = 0.0, 0.0
    for k in range(first, last + 1):
        term = exp(log_chance(k))
        total += term
        if term < before and term < NEGLIGIBLE * total:
            break
        before = term
    return min(1.0, total)


def _choose(n: int, k: int) -> float:
    """The logarithm of the binomial coefficient; minus infinity where there is none."""
    if k < 0 or k > n:
        return float("-inf")
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
