"""Deploys of the real stack, in containers, under 100 requests a second of which half are streams of five seconds."""

from __future__ import annotations

import pytest
from operations.load.outcome import Outcome

from tests.containers.deploys.site import Site
from tests.figures import Figures

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CANARY = ("--stages", "5,25,50,100", "--hold", "8", "--max-hold", "60", "--judge-every", "2")
DEMANDS = ("--min-requests", "20", "--quantiles", "0.5,0.9", "--time-tolerance", "20")
"""A busy machine may be busier in one stage than in that before; what is slower is another test's."""


def assert_nothing_lost(outcome: Outcome, name: str, figures: Figures) -> None:
    told = outcome.summary()
    figures(
        **{f"{name}_requests": len(outcome.samples), f"{name}_lost": outcome.count("failed") + outcome.count("broken")}
    )
    assert (told["failed"], told["broken"]) == (0, 0), told["how"]
    streams = told["stream_s"]
    assert isinstance(streams, dict)
    assert streams["p50"] >= 5


def test_rolling_and_back(site: Site, figures: Figures) -> None:
    with site.traffic() as traffic:
        done = site.run("deploy", "rolling", "--version", "2", "--watch", "1", seconds=600)
        assert done.code == 0, done.text
        back = site.run("rollback", seconds=600)
        assert back.code == 0, back.text
    assert_nothing_lost(traffic.outcome, "rolling", figures)


def test_blue_green_and_back(site: Site, figures: Figures) -> None:
    with site.traffic() as traffic:
        done = site.run("deploy", "blue-green", "--version", "3", "--watch", "5", seconds=600)
        assert done.code == 0, done.text
        assert site.edge()["shares"] == {"blue": 0, "green": 100}
        back = site.run("rollback")
        assert back.code == 0, back.text
        assert site.edge()["shares"] == {"blue": 100, "green": 0}
    assert_nothing_lost(traffic.outcome, "blue_green", figures)
    figures(rollback_s=back.seconds)


def test_a_look_is_three_commands(site: Site) -> None:
    """Each starts a program, and on a busy machine that is what the time of a rollback goes into."""
    looked = site.run("status", "--dry-run")
    assert looked.text.count("run: docker") == 3, looked.text


def test_canary_and_back(site: Site, figures: Figures) -> None:
    with site.traffic() as traffic:
        done = site.run("deploy", "canary", "--version", "2", *CANARY, *DEMANDS, seconds=900)
        assert done.code == 0, done.text
        assert site.edge()["shares"] == {"blue": 0, "green": 100}
        assert site.run("rollback").code == 0
    assert_nothing_lost(traffic.outcome, "canary", figures)
