"""Versions that are ill, under load: each is stopped by the tool by itself, and harms no more than its stage."""

from __future__ import annotations

import pytest
from operations.load.outcome import Outcome, Sample

from tests.containers.deploys.site import Site
from tests.figures import Figures
from tests.operations.traffic import Traffic
from tests.operations.verb import Verb

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SHARE = 20
CANARY = ("--stages", f"{SHARE},100", "--hold", "60", "--max-hold", "90", "--judge-every", "3")
DEMANDS = ("--min-requests", "40", "--quantiles", "0.5,0.95")
SPREAD = 1.5
"""Each request's colour is drawn by chance: of some hundreds, so much more than their share may go there."""


@pytest.fixture(scope="module", autouse=True)
def _ill(_site: Site) -> None:
    _site.make_ill("errs", "slow", "unready", "crashes")


@pytest.fixture
def traffic(site: Site) -> Traffic:
    """40 a second, half of them streams of some seconds."""
    return site.traffic(40, 100)


def deploy(site: Site, strategy: str, version: str, *words: str) -> Verb:
    return site.run("deploy", strategy, "--version", version, *words, seconds=400)


def assert_stopped(site: Site, stopped: Verb, outcome: str, figures: Figures) -> None:
    assert stopped.code == 1, stopped.text
    assert "everything is as it was" in stopped.text
    line = site.audit()[-1]
    assert line["outcome"] == outcome
    figures(why=line["why"][:100])
    site.assert_as_before()


def stage(outcome: Outcome, stopped: Verb, shift: str, back: str = "shares: blue 100 %, green 0 %") -> list[Sample]:
    """The requests that were sent from one shift of the shares to the step after the next."""
    after = stopped.times[stopped.lines.index(next(line for line in stopped.lines if back in line)) + 2]
    return [each for each in outcome.samples if stopped.when(shift) <= outcome.began + each.due + each.late_s <= after]


def lost(samples: list[Sample]) -> int:
    return sum(each.ended != "ok" for each in samples)


def test_one_that_never_becomes_ready(site: Site, traffic: Traffic, figures: Figures) -> None:
    """No client notices."""
    with traffic:
        stopped = deploy(site, "rolling", "unready", "--ready-limit", "20")
    assert_stopped(site, stopped, "failed", figures)
    assert "unready runs, and is not ready" in stopped.text
    assert traffic.outcome.whole, traffic.outcome.summary()


def test_one_that_errs(site: Site, traffic: Traffic, figures: Figures) -> None:
    with traffic:
        stopped = deploy(site, "canary", "errs", *CANARY, *DEMANDS)
    assert_stopped(site, stopped, "breach", figures)
    during = stage(traffic.outcome, stopped, f"green {SHARE} %")
    figures(requests=len(traffic.outcome.samples), in_the_stage=len(during), lost=lost(during))
    assert 0 < lost(during) == lost(traffic.outcome.samples)
    assert lost(during) <= len(during) * SHARE / 100


def test_one_that_is_three_times_slower(site: Site, traffic: Traffic, figures: Figures) -> None:
    before = site.answered("green")
    with traffic:
        stopped = deploy(site, "canary", "slow", *CANARY, *DEMANDS)
    slow = site.answered("green") - before
    assert_stopped(site, stopped, "breach", figures)
    assert f"at {SHARE} %" in stopped.text
    during = stage(traffic.outcome, stopped, f"green {SHARE} %")
    figures(requests=len(traffic.outcome.samples), in_the_stage=len(during), slow=slow)
    assert traffic.outcome.whole, traffic.outcome.summary()
    assert 0 < slow <= len(during) * SHARE / 100 * SPREAD


def test_one_that_crashes_after_a_while(site: Site, traffic: Traffic, figures: Figures) -> None:
    """It had all the requests; those it held are lost with it, and none after the switch back."""
    with traffic:
        stopped = deploy(site, "blue-green", "crashes", "--watch", "60")
    assert_stopped(site, stopped, "breach", figures)
    assert "ended by itself" in stopped.text or "stopped being ready" in stopped.text
    during = stage(traffic.outcome, stopped, "green 100 %")
    figures(requests=len(traffic.outcome.samples), in_the_stage=len(during), lost=lost(during))
    assert 0 < lost(during) == lost(traffic.outcome.samples)
