"""An instance dies, and one stands still, under the same load: the edge leaves them out, and takes them back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.containers.deploys.site import RATE, Site
from tests.figures import Figures
from tests.talk import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

OUT_S = 5
"""How long the edge may take to leave one out."""


def peer(site: Site, name: str) -> dict[str, Any]:
    return next(each for each in site.edge()["peers"] if each["name"] == name)


def out_after(site: Site, name: str, harm: Callable[[], object]) -> tuple[int, float]:
    """What it had in flight before, and the seconds until the edge left it out."""
    in_flight = int(peer(site, name)["in_flight"])
    began = time.monotonic()
    harm()
    until(lambda: not peer(site, name)["up"], OUT_S)
    return in_flight, time.monotonic() - began


def test_one_that_is_killed(site: Site, figures: Figures) -> None:
    """What it was answering is lost with it; of the rest, only what had reached it before it was out."""
    docker, container = site.stack.engine.docker, f"{site.stack.name}-api-blue-2-1"
    with site.traffic() as traffic:
        until(lambda: peer(site, "api-blue-2")["in_flight"] > RATE / 4, 30)
        held, seconds = out_after(site, "api-blue-2", lambda: docker("kill", "--signal", "KILL", container))
        docker("start", container)
        until(lambda: peer(site, "api-blue-2")["up"], 60)
    outcome = traffic.outcome
    lost = outcome.count("failed") + outcome.count("broken")
    figures(killed_requests=len(outcome.samples), in_flight_then=held, lost=lost, out_after_s=seconds)
    assert 0 < lost <= held + RATE * OUT_S / 3


def test_one_that_stands_still(site: Site, figures: Figures) -> None:
    """What it holds waits until it goes on, and then ends well."""
    docker, container = site.stack.engine.docker, f"{site.stack.name}-api-blue-3-1"
    with site.traffic() as traffic:
        until(lambda: peer(site, "api-blue-3")["in_flight"] > RATE / 4, 30)
        held, seconds = out_after(site, "api-blue-3", lambda: docker("pause", container))
        docker("unpause", container)
        until(lambda: peer(site, "api-blue-3")["up"], 30)
    outcome = traffic.outcome
    lost = outcome.count("failed") + outcome.count("broken")
    figures(paused_requests=len(outcome.samples), in_flight_then=held, lost=lost, out_after_s=seconds)
    assert lost == 0, outcome.summary()["how"]
