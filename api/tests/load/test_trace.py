"""Requests as long as real ones, through the edge and three instances to three replicas, one of which dies at last.

7 a second, then 70, then 70 and the death. PENSTOCK_TRACE is a file as Azure publishes it; without it lengths are drawn
like those of its trace of 2023. PENSTOCK_TRACE_SHARE is how much of the whole time it takes: 1 is 10, 5 and 2 minutes.
From a tenth on the replicas have the speed of a real engine. PENSTOCK_REPORTS is a folder for a report of each.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from operations.load import report
from operations.load.asking import Door, schedule
from operations.load.outcome import Outcome
from operations.load.run import Load
from penstock.load.arrivals import constant
from penstock.load.lengths import spelled
from penstock.load.trace import Trace

from tests.figures import Figures
from tests.gateway import Line, one_model
from tests.load.process import Process
from tests.operations.stack import Stack
from tests.servers import Simulator
from tests.talk import until

SHARE = float(os.environ.get("PENSTOCK_TRACE_SHARE") or 0.01)
SPEED = 1 if SHARE >= 0.1 else 10
LEAST_S = 5.0
MEMORY = ("--max-model-len", "16384", "--kv-blocks", "65536", "--max-num-seqs", "1024")
ENGINE = (*MEMORY, "--prefill-tps", "60000", "--crowding", "0.002")
"""A replica with room for 70 requests a second, 15,000 tokens: what is measured is what stands before it."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180 + round(1200 * SHARE))]


class ThreeReplicas(Stack):
    """Three instances, over three replicas of their own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, slots=3)
        flags = ("--speed", str(SPEED), *ENGINE)
        self.three = [self.ends.enter_context(Simulator(*flags)) for _ in range(3)]

    def _settings(self, version: str) -> Line:
        return one_model([each.url for each in self.three], drain_s=20)

    def cpu_s(self) -> float:
        """Of all three instances, so far."""
        return sum(Process(int(self.slots[name].told()["life"])).cpu_s for name in self.of["blue"])


@pytest.fixture(scope="module")
def stack(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreeReplicas]:
    require("nginx-lua")
    with ThreeReplicas(tmp_path_factory.mktemp("stack")) as one:
        yield one


def lengths() -> Iterator[tuple[int, int]]:
    if file := os.environ.get("PENSTOCK_TRACE"):
        return Trace(Path(file)).lengths()
    prompts, answers = spelled("lognormal:1020,0.6").draw(1), spelled("lognormal:129,0.8").draw(2)
    return ((min(prompt, 14_000), min(answer, 1000)) for prompt, answer in zip(prompts, answers, strict=False))


class Run:
    """Load by chance at this rate, for its share of so many minutes."""

    def __init__(self, stack: ThreeReplicas, rate: float, minutes: float) -> None:
        self.seconds = max(LEAST_S, 60 * minutes * SHARE)
        self._stack = stack
        self._rate = rate
        due = schedule(constant(rate, self.seconds).poisson(seed=7), lengths(), 0.5)
        self.load = Load(Door(stack.edge.url, "tiny", insecure=True), due)

    def __call__(self, name: str, figures: Figures, folder: Path) -> Outcome:
        before = self._stack.cpu_s()
        outcome = asyncio.run(self.load.run())
        used = self._stack.cpu_s() - before
        told = outcome.summary()
        for key in ("requests", "error_rate", "valid", "tokens_per_second"):
            figures(**{key: str(told[key])})
        for key in ("latency_s", "first_token_s", "in_flight", "sent_late_s", "how"):
            figures(**{key: str(told[key])})
        figures(cpu_of_a_core=used / outcome.seconds, cpu_ms_per_request=1000 * used / len(outcome.samples))
        report.write(folder / name, f"{self._rate:g} requests a second for {self.seconds:g} s: {name}", outcome)
        return outcome


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(os.environ.get("PENSTOCK_REPORTS") or tmp_path)


@pytest.mark.parametrize(("rate", "minutes"), [(7, 10), (70, 5)], ids=["7", "70"])
def test_steady(stack: ThreeReplicas, figures: Figures, folder: Path, rate: float, minutes: float) -> None:
    outcome = Run(stack, rate, minutes)(f"steady-{rate:g}", figures, folder)
    assert outcome.whole, outcome.summary()["how"]


def test_a_replica_is_killed_midway(stack: ThreeReplicas, figures: Figures, folder: Path) -> None:
    """What had begun there breaks off; all else is answered."""
    run = Run(stack, 70, 2)
    victim = stack.three[0]
    open_there: list[int] = []

    def kill() -> None:
        until(lambda: run.load.outcome.seconds > run.seconds / 2, run.seconds + 60)
        open_there.append(victim.state()["running"])
        victim.kill()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    outcome = run("killed", figures, folder)
    killer.join()
    figures(open_at_the_killed=str(open_there[0]), broken=str(outcome.count("broken")))
    assert outcome.count("failed") == 0, outcome.summary()["how"]
    assert outcome.count("broken") <= open_there[0] + 5
