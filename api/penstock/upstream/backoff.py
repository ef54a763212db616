"""How often a call may be tried again, how long to pause before, and what a target says about it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from penstock.settings.parts import Retry
from penstock.upstream.window import Window

WINDOW_S: Final = 10.0
RETRY_AFTER_MAX_S: Final = 60.0


class RetryBudget:
    """Retries on replicas stay a share of the calls, plus a floor, so that an outage is not amplified."""

    def __init__(self, settings: Retry, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._calls = Window(WINDOW_S)
        self._retries = Window(WINDOW_S + 1)  # a window forgets up to a second early

    def called(self) -> None:
        self._calls.add(self._clock())

    def take(self) -> bool:
        """Whether one more retry is allowed now; if so it is counted."""
        now = self._clock()
        allowed = self._settings.floor + self._settings.ratio * self._calls.total(now)
        if self._retries.total(now) + 1 > allowed:
            return False
        self._retries.add(now)
        return True


def pause_s(settings: Retry, retries: int, rng: random.Random) -> float:
    """Full jitter: anywhere between nothing and a bound that doubles with each retry."""
    return rng.uniform(0, min(settings.backoff_max_s, settings.backoff_s * 2.0**retries))


def retry_after_s(headers: Mapping[bytes, bytes], now: datetime | None = None) -> float | None:
    """Seconds that a target asks to wait, at most RETRY_AFTER_MAX_S, in any of the three spellings."""
    try:
        if millis := headers.get(b"retry-after-ms"):
            seconds = float(millis) / 1000
        elif value := headers.get(b"retry-after", b"").decode("latin-1").strip():
            seconds = float(value) if value[0].isdigit() else _until(value, now or datetime.now(UTC))
        else:
            return None
    except (ValueError, OverflowError):  # a date of the year 99999999999 is the latter
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_S) if seconds == seconds else None  # NaN is not itself


def _until(value: str, now: datetime) -> float:
    when = parsedate_to_datetime(value)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now.timestamp()
