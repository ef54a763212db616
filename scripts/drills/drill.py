"""One drill: the page's own text, from the fault to the all-clear."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from drills.blocks import Done, run
from drills.errors import DrillFailed
from drills.page import Page
from drills.watchers import Prometheus, Receiver

TICK_S = 0.25
FLAPPING_S = 15
"""A fault that strikes by chance may let Verify pass for a moment."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: stated for the alert; from the fault's being there to firing and told; from the remedy to well and over.

    Those that make no sense for a page are None.
    """

    name: str
    stated: float | None = None
    detected: float | None = None
    told: float | None = None
    recovered: float | None = None
    over: float | None = None


class Drill:
    """`receiver` is None where it is not ours to ask. `kept` is where outputs are left to be read."""

    def __init__(
        self,
        page: Page,
        env: Mapping[str, str],
        prometheus: Prometheus,
        receiver: Receiver | None,
        kept: Path,
        patience_s: float,
        shows: TextIO,
    ) -> None:
        self._page = page
        self._env = env
        self._prometheus = prometheus
        self._receiver = receiver
        self._kept = kept
        self._patience_s = patience_s
        self._shows = shows
        self._remedied = True

    def run(self) -> Times:
        """Raises DrillFailed at the first thing that is not as the page says; the remedy is run in any case."""
        try:
            self._healthy()
            self._remedied = False
            began = time.time()
            self._must("Drill")
            times = self._detected(began, time.time())
            self._until("Verify fails while it is broken", lambda: not self._runs("Verify").well, FLAPPING_S)
            self._diagnose()
            return self._recovered(times, began)
        finally:
            if not self._remedied:
                self._runs("Compose")

    def _healthy(self) -> None:
        """Echoes of another drill may last a moment."""
        self._until("Verify passes before anything is broken", lambda: self._runs("Verify").well)
        if alert := self._page.alert:
            self._until(f"{alert} does not fire before", lambda: not self._prometheus.firing(alert))

    def _detected(self, began: float, broken_at: float) -> Times:
        alert, times = self._page.alert, Times(self._page.name)
        if not alert:
            return times
        stated = self._prometheus.stated_s(alert)
        limit = stated + self._patience_s
        self._until(f"{alert} fires", lambda: self._prometheus.firing(alert), limit)
        times = replace(times, stated=stated, detected=time.time() - broken_at)
        if receiver := self._receiver:
            self._until(f"the receiver hears of {alert}", lambda: receiver.told(alert, began))
            times = replace(times, told=time.time() - broken_at)
        return times

    def _diagnose(self) -> None:
        for number, block in enumerate(self._page.blocks("Diagnose"), 1):
            done = self._keep(f"Diagnose {number}", run(block, self._env))
            if not done.well or not done.out.strip():
                raise DrillFailed(f"Diagnose, block {number}, ends with {done.code} and says: {done.out[-1500:]}")

    def _recovered(self, times: Times, began_to_break: float) -> Times:
        began = time.time()
        self._must("Compose")
        self._remedied = True
        self._until("Verify passes", lambda: self._runs("Verify").well)
        times = replace(times, recovered=time.time() - began)
        if alert := self._page.alert:
            self._until(f"{alert} ends", lambda: not self._prometheus.firing(alert))
            if receiver := self._receiver:
                self._until(f"the receiver hears of {alert}'s end", lambda: receiver.told_over(alert, began_to_break))
            times = replace(times, over=time.time() - began)
        return times

    def _must(self, heading: str) -> None:
        done = self._runs(heading)
        if not done.well:
            raise DrillFailed(f"{heading} ends with {done.code}: {done.out[-1500:]}")

    def _runs(self, heading: str) -> Done:
        return self._keep(heading, run(self._page.script(heading), self._env))

    def _keep(self, what: str, done: Done) -> Done:
        folder = self._kept / self._page.name
        folder.mkdir(parents=True, exist_ok=True)
        name = what.lower().replace(" ", "-") + ("" if done.well or what != "Verify" else "-sick")
        (folder / f"{name}.txt").write_text(done.out)
        return done

    def _until(self, what: str, met: Callable[[], bool], limit_s: float | None = None) -> None:
        limit_s = 60 + self._patience_s if limit_s is None else limit_s
        print(f"  {what} ...", file=self._shows, flush=True)
        deadline = time.monotonic() + limit_s
        while not met():
            if time.monotonic() > deadline:
                raise DrillFailed(f"not within {limit_s:.0f} s: {what}")
            time.sleep(TICK_S)
