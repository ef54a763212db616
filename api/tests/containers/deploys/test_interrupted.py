"""Deploys that are interrupted, killed, or cut off from the engine, under load: no request fails, the next run repairs.

A few steps of each strategy; tests/operations takes them all, with plain processes.
"""

from __future__ import annotations

import getpass
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.containers.deploys.site import Site
from tests.containers.deploys.wire import Wire
from tests.figures import Figures
from tests.operations.sshd import Sshd
from tests.operations.verb import Verb
from tests.pages import ROOT
from tests.talk import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def traffic(site: Site, figures: Figures) -> Iterator[None]:
    """30 a second, half of them streams, while the test lasts: none may fail."""
    with (traffic := site.traffic(30, 60)):
        yield
    figures(requests=len(traffic.outcome.samples))
    assert traffic.outcome.whole, traffic.outcome.summary()


def at(site: Site, step: str, strategy: str, *words: str) -> Verb:
    """A deploy that has just come to this step."""
    verb = site.start("deploy", strategy, "--version", "2", *words)
    verb.wait_for(step, seconds=200)
    return verb


def step(site: Site) -> str:
    """Where the change under way is."""
    under_way = site.under_way()
    return str(under_way["step"]) if under_way else ""


def interrupted(site: Site, verb: Verb) -> None:
    """It puts everything back itself."""
    verb.process.send_signal(signal.SIGINT)
    assert verb.wait(200).code == 128 + signal.SIGINT, verb.text
    site.assert_as_before()


def killed(site: Site, verb: Verb) -> None:
    verb.process.kill()
    assert verb.wait().code == -signal.SIGKILL
    repaired(site)


def cut_off(site: Site, verb: Verb, wire: Wire) -> None:
    """It cannot put anything back, and says so."""
    wire.cut()
    assert verb.wait(200).code == 4, verb.text
    assert "NOT PUT BACK" in verb.text
    wire.mend()
    repaired(site)


def repaired(site: Site) -> None:
    assert site.under_way() is not None
    back = site.run("rollback", seconds=200)
    assert back.code == 0, back.text
    assert site.audit()[-1]["outcome"] == "repaired"
    site.assert_as_before()


@pytest.mark.usefixtures("traffic")
def test_rolling(site: Site, wire: Wire) -> None:
    interrupted(site, at(site, "api-blue-1: replace", "rolling"))
    killed(site, at(site, "api-blue-1: smoke test", "rolling"))
    cut_off(site, at(site, "api-blue-1: let requests in", "rolling"), wire)


@pytest.mark.usefixtures("traffic")
def test_blue_green(site: Site, wire: Wire) -> None:
    interrupted(site, at(site, "api-green-2: start", "blue-green"))
    killed(site, at(site, "watch green", "blue-green"))
    cut_off(site, at(site, "shares: blue 0 %", "blue-green"), wire)


@pytest.fixture
def over_ssh(require: Callable[[str], str], site: Site, tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """The words that have a verb run on this machine, over ssh."""
    own = {name: value for name, value in site.environment.items() if name.startswith(("COMPOSE_", "PENSTOCK_"))}
    own |= {name: site.environment[name] for name in ("DOCKER_HOST", "PYTHONPATH") if name in site.environment}
    direct = site.environment
    with Sshd(require("sshd"), tmp_path, own | {"PYTHON": sys.executable}) as sshd:
        site.environment = {**direct, "PYTHON": sys.executable, "PENSTOCK_SSH": sshd.ssh}
        yield "--host", f"{getpass.getuser()}@127.0.0.1", "--dir", str(ROOT)
    site.environment = direct


@pytest.mark.usefixtures("traffic")
def test_canary(site: Site, over_ssh: tuple[str, ...]) -> None:
    interrupted(site, at(site, "hold for", "canary"))
    killed(site, at(site, "api-green-1: wait until", "canary"))
    there = site.start("deploy", "canary", "--version", "2", *over_ssh)
    until(lambda: "hold for" in step(site), 200)  # what it tells comes by its terminal there, and not by stderr here
    there.process.kill()
    there.wait()  # the line is gone, and sshd hangs up
    told = until(lambda: site.audit()[2:], 200)
    assert told[-1]["outcome"] == "interrupted"
    assert "SIGHUP" in told[-1]["why"]
    site.assert_as_before()
