"""How long prompts and answers are, in tokens: a number, or drawn by chance."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from penstock.load import NoLoad

MOST = 1_000_000
SPELLED = "N, A-B (any from A to B), or lognormal:MEDIAN,SIGMA"


@dataclass(frozen=True, slots=True)
class Lengths:
    """From `low` to `high`, each as likely as the other; with a `sigma`, lognormal around the median `low`."""

    low: int
    high: int
    sigma: float = 0.0

    def draw(self, seed: int) -> Iterator[int]:
        """Without an end; the same seed gives the same."""
        chance = random.Random(seed)
        while True:
            if self.sigma:
                drawn = chance.lognormvariate(math.log(self.low), self.sigma)
                yield min(MOST, max(1, round(drawn)))
            else:
                yield chance.randint(self.low, self.high)


def spelled(text: str) -> Lengths:
    """From what a person writes. Raises NoLoad."""
    lognormal = re.fullmatch(r"lognormal:(\d{1,7}),(\d{1,2}(?:\.\d+)?)", text)
    plain = re.fullmatch(r"(\d{1,7})(?:-(\d{1,7}))?", text)
    if lognormal:
        found = Lengths(int(lognormal[1]), int(lognormal[1]), float(lognormal[2]))
    elif plain:
        found = Lengths(int(plain[1]), int(plain[2] or plain[1]))
    else:
        raise NoLoad(f"{text!r} is no length: {SPELLED}")
    if not 1 <= found.low <= found.high <= MOST:
        raise NoLoad(f"{text!r} is no length: from 1 to {MOST:,}, the smaller first")
    return found
