"""What Prometheus counted of a colour in a stretch of time."""

from __future__ import annotations

import json
import math
import time
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TextIO

from operations.errors import CannotAsk, StepFailed
from operations.words import Colour

Labels = frozenset[tuple[str, str]]
NOT_COUNTED = ("__name__", "le")


@dataclass(frozen=True, slots=True)
class Window:
    """A colour from one moment to another, in seconds of Unix time."""

    colour: Colour
    start: float
    end: float

    @property
    def seconds(self) -> int:
        return max(1, math.ceil(self.end - self.start))


def at(url: str, timeout_s: float = 10) -> Callable[[str], str]:
    """Asks the one at this URL, from here."""

    def get(path: str) -> str:
        with urllib.request.urlopen(url.rstrip("/") + path, timeout=timeout_s) as answer:
            return str(answer.read(), "utf-8")

    return get


class Prometheus:
    """Counts are differences of raw samples: `increase()` would lose what a series counted before its first scrape."""

    def __init__(self, get: Callable[[str], str], shows: TextIO | None = None) -> None:
        """`get` takes a path with a query. What is asked is shown, if there is where."""
        self._get = get
        self._shows = shows

    def ask(self) -> None:
        """Raises CannotAsk if it does not answer."""
        self._query("vector(1)", time.time())

    def counted(self, metric: str, window: Window) -> dict[Labels, float]:
        """By its labels, how much a counter (`name_total`) or a histogram's buckets (`name_bucket`) grew.

        A series that was made within the window began at 0: its `_created` series says when.
        """
        name = metric.removesuffix("_total").removesuffix("_bucket")
        chosen, at = f'{{colour="{window.colour}"}}[{window.seconds}s]', window.end
        last = self._query(f"max_over_time({metric}{chosen})", at)
        first = self._query(f"min_over_time({metric}{chosen})", at)
        made = self._query(f"min_over_time({name}_created{chosen})", at)
        grown = {}
        for labels, value in last.items():
            own = frozenset(pair for pair in labels if pair[0] not in NOT_COUNTED)
            new = made.get(own, 0) >= window.start
            grown[labels] = value if new else value - first.get(labels, 0)
        return grown

    def by(self, label: str, metric: str, window: Window) -> dict[str, float]:
        """The same, summed over all labels but this one."""
        summed: defaultdict[str, float] = defaultdict(float)
        for labels, value in self.counted(metric, window).items():
            summed[dict(labels).get(label, "")] += value
        return dict(summed)

    def _query(self, query: str, at: float) -> dict[Labels, float]:
        if self._shows:
            print(query, file=self._shows)
        asked = urllib.parse.urlencode({"query": query, "time": f"{at:.3f}"})
        try:
            told = json.loads(self._get(f"/api/v1/query?{asked}"))
            found: list[Mapping[str, object]] = told["data"]["result"]
            return {_labels(each): float(each["value"][1]) for each in found}  # type: ignore[index]
        except (StepFailed, OSError, ValueError, KeyError, TypeError) as error:
            raise CannotAsk(f"Prometheus cannot be asked: {error}") from None


def _labels(series: Mapping[str, object]) -> Labels:
    named = series["metric"]
    assert isinstance(named, dict)
    return frozenset((name, value) for name, value in named.items() if name != "__name__")
