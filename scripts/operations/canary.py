"""The new version gets a growing share of the requests, for as long as it does no worse than the old one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from operations.compare import Demands
from operations.errors import Breach, CannotAsk, TooLittleData
from operations.judge import judge
from operations.moves import bring_up, shift
from operations.prometheus import Prometheus, Window
from operations.releases import Release
from operations.site import Site
from operations.telling import tell
from operations.watch import LOOK_S, Watch
from operations.words import Picture, all_to, other

EARLY = 0.1
"""How much more certain a judgement in the middle of a hold has to be: there are many of them."""


@dataclass(frozen=True, slots=True)
class Stages:
    """Percents; seconds each is held, waited for data at most, and between two judgements."""

    percents: tuple[int, ...] = (5, 25, 50, 100)
    hold_s: float = 600
    max_hold_s: float = 1800
    judge_s: float = 15


class Canary:
    """`wall` tells Unix time, as Prometheus has it."""

    def __init__(
        self,
        site: Site,
        prometheus: Prometheus,
        stages: Stages,
        demands: Demands,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._site = site
        self._prometheus = prometheus
        self._stages = stages
        self._demands = demands
        self._wall = wall

    def __call__(self, before: Picture, version: str) -> Release:
        colour = other(before.serving)
        units = before.of(colour)
        bring_up(self._site, units, version)
        watch = Watch(self._site, colour)
        watch.over(units)
        control = Window(before.serving, 0, 0)
        for percent in self._stages.percents:
            shift(self._site, all_to(colour, percent))
            self._site.step(f"{percent} % to {version}: hold for {self._stages.hold_s:g} s, and judge")
            if not self._site.dry:
                control = self._hold(watch, percent, Window(colour, self._wall(), 0), control)
        return Release(colour, version)

    def _hold(self, watch: Watch, percent: int, canary: Window, control: Window) -> Window:
        """Returns the control's window, which the last stage, without a control of its own, is compared with."""
        patience = self._site.patience
        began = judged = patience.clock()
        while True:
            patience.pause(LOOK_S)
            watch.look()
            now = patience.clock()
            held = now - began
            if held < self._stages.hold_s and now - judged < self._stages.judge_s:
                continue
            judged = now
            canary = replace(canary, end=self._wall())
            if percent < 100:
                control = replace(control, start=canary.start, end=canary.end)
            try:
                decided = self._decided(canary, control, percent, held)
            except CannotAsk as error:
                self._without_data(percent, held, str(error))
            else:
                if decided:
                    return control

    def _decided(self, canary: Window, control: Window, percent: int, held: float) -> bool:
        """Whether the stage is passed. Raises Breach, and CannotAsk where Prometheus does not answer."""
        early = held < self._stages.hold_s
        report = judge(self._prometheus, canary, control, self._strict() if early else self._demands)
        if report.verdict == "breach":
            raise Breach(f"at {percent} % after {held:.0f} s: {report.why}")
        if early:
            return False
        if report.verdict != "good":
            self._without_data(percent, held, report.why)
            return False
        for check in report.checks:
            tell(f"    {check}")
        return True

    def _without_data(self, percent: int, held: float, why: str) -> None:
        """Raises TooLittleData when it has been waited for long enough."""
        if held >= self._stages.max_hold_s:
            raise TooLittleData(f"at {percent} % after {held:.0f} s, and nothing is guessed: {why}")
        tell(f"    at {percent} % after {held:.0f} s: waiting for data, up to {self._stages.max_hold_s:g} s: {why}")

    def _strict(self) -> Demands:
        return replace(self._demands, certain=self._demands.certain * EARLY)
