"""What a few answers say of an engine: how fast it reads, how fast it writes, and what company costs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean, median

from penstock.measuring.meter import Meter, NotMeasured

SHORT = 10
"""Words of a short prompt."""
ROUNDS = 5


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
    """By prompts of so many words, and by answers of so many tokens, alone and in so many streams. Raises NotMeasured.

    A step is longer by the prompts that it reads: the difference of a long one and a short one is reading alone.
    """
    meter.find_model()
    meter.ask(SHORT, 2)  # the first of all may be slow
    alone = _alone(meter, answer)
    return Speeds(_prefill(meter, words), 1 / alone, _crowding(meter, answer, streams, alone), meter.kv_tokens())


def _prefill(meter: Meter, words: int) -> float:
    short = [meter.ask(SHORT, 1) for _ in range(ROUNDS)]
    long = [meter.ask(words, 1) for _ in range(ROUNDS)]
    seconds = median(each.first_s for each in long) - median(each.first_s for each in short)
    if seconds <= 0:
        raise NotMeasured("a long prompt took no longer than a short one: give more --prompt-words")
    return (long[0].prompt - short[0].prompt) / seconds


def _alone(meter: Meter, answer: int) -> float:
    """Seconds of a step."""
    one = meter.ask(SHORT, answer)
    return one.gap_s(*one.times[:: len(one.times) - 1])


def _crowding(meter: Meter, answer: int, streams: int, alone: float) -> float:
    """From the time in which all of them are answered."""
    with ThreadPoolExecutor(streams) as pool:
        several = list(pool.map(lambda _: meter.ask(SHORT, answer), range(streams)))
    start, end = max(each.times[0] for each in several), min(each.times[-1] for each in several)
    crowd = fmean(each.gap_s(start, end) for each in several)
    return max(0.0, (crowd / alone - 1) / (streams - 1))
