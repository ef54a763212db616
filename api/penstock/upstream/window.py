"""How often something happened in the last seconds."""

from __future__ import annotations

from collections import deque


class Window:
    """Counts over the last `length_s` seconds, in buckets of a second. Time is passed in."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._buckets: deque[list[int]] = deque()
        self._total = 0

    def add(self, now: float) -> None:
        second = int(now)
        if self._buckets and self._buckets[-1][0] == second:
            self._buckets[-1][1] += 1
        else:
            self._buckets.append([second, 1])
            self._drop(now)
        self._total += 1

    def total(self, now: float) -> int:
        self._drop(now)
        return self._total

    def clear(self) -> None:
        self._buckets.clear()
        self._total = 0

    def _drop(self, now: float) -> None:
        while self._buckets and self._buckets[0][0] <= now - self._length_s:
            self._total -= self._buckets.popleft()[1]
