"""What a few answers say of an engine: how fast it reads, how fast it writes, and what company costs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean, linear_regression, median

from penstock.measuring.meter import Meter, NotMeasured

SHORT = 10
"""Words of a short prompt."""
ROUNDS = 5
"""Each is asked so often, and the median counts: what an engine does at its best it does seldom."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """Tokens a second of prompts, tokens a second of one stream alone, and what each further one adds to a step."""

    prefill: float
    decode_alone: float
    crowding: float
    kv_tokens: int | None
    """None if it is not told."""

    def flags(self) -> str:
        """For `penstock capacity`."""
        cache = f" --kv-tokens {self.kv_tokens}" if self.kv_tokens else ""
        return (
            f"--prefill {self.prefill:.4g} --decode-alone {self.decode_alone:.4g} --crowding {self.crowding:.4g}{cache}"
        )


def measured(meter: Meter, words: int, answer: int, streams: int) -> Speeds:
    """By prompts of so many words, and by answers of so many tokens, one alone and up to so many streams at once.

    A step is longer by the prompts that it reads: the difference of a long one and a short one is reading alone. Of the
    steps without reading the line is taken that lies nearest to all. Raises NotMeasured.
    """
    meter.find_model()
    meter.ask(SHORT, 2)  # the first of all may be slow
    prefill = _prefill(meter, words)
    sizes = list(_sizes(streams))
    line = linear_regression([size - 1 for size in sizes], [_typical(meter, answer, size) for size in sizes])
    if line.intercept <= 0:
        raise NotMeasured("steps differ too much: give more --answer-tokens, and nothing else to do to the engine")
    return Speeds(prefill, 1 / line.intercept, max(0.0, line.slope / line.intercept), meter.kv_tokens())


def _prefill(meter: Meter, words: int) -> float:
    short = [meter.ask(SHORT, 1) for _ in range(ROUNDS)]
    long = [meter.ask(words, 1) for _ in range(ROUNDS)]
    seconds = median(each.first_s for each in long) - median(each.first_s for each in short)
    if seconds <= 0:
        raise NotMeasured("a long prompt took no longer than a short one: give more --prompt-words")
    return (long[0].prompt - short[0].prompt) / seconds


def _sizes(most: int) -> Iterator[int]:
    """1, 2, 4, ... and the most."""
    size = 1
    while size < most:
        yield size
        size *= 2
    yield most


def _typical(meter: Meter, answer: int, streams: int) -> float:
    return median(_step_s(meter, answer, streams) for _ in range(ROUNDS))


def _step_s(meter: Meter, answer: int, streams: int) -> float:
    """From the time in which all of them are answered."""
    with ThreadPoolExecutor(streams) as pool:
        several = list(pool.map(lambda _: meter.ask(SHORT, answer), range(streams)))
    start, end = max(each.times[0] for each in several), min(each.times[-1] for each in several)
    return fmean(each.gap_s(start, end) for each in several)
