"""What is made of an engine's answers: one that is quick by chance, or slow, does not count."""

from itertools import cycle
from typing import cast

import pytest
from penstock.measuring.meter import Meter, Timed
from penstock.measuring.speeds import measured


class Engine:
    """Reads a word in 10 ms and writes a token in 100 ms, both by a factor that changes from answer to answer."""

    def __init__(self, *factors: float) -> None:
        self._factors = cycle(factors)

    def find_model(self) -> None: ...

    def kv_tokens(self) -> int | None:
        return None

    def ask(self, words: int, answer: int) -> Timed:
        factor = next(self._factors)
        first = words * 0.01 * factor
        times = tuple(first + number * 0.1 * factor for number in range(answer))
        return Timed(0.0, times, prompt=words, answer=answer)


@pytest.mark.parametrize("odd", [0.2, 5.0])
def test_the_median_counts(odd: float) -> None:
    speeds = measured(cast(Meter, Engine(1, 1, odd, 1, 1)), words=60, answer=20, streams=2)
    assert (speeds.prefill, speeds.decode_alone) == (pytest.approx(100), pytest.approx(10))
