"""Deploys of the real stack, in containers, under 100 requests a second of which half are streams of five seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from operations.load.outcome import Outcome
from tests.figures import Figures
from tests.operations.traffic import Traffic
from tests.operations.verb import Host
from tests.pages import ROOT
from tests.stack import Stack
from tests.talk import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

RATE = 100
TOKENS_PER_S = 60
STREAM_TOKENS = 90
"""The more are open, the slower each is: 150 at each replica, at 15 tokens a second."""
CANARY = ("--stages", "5,25,50,100", "--hold", "20", "--max-hold", "60", "--judge-every", "5")
DEMANDS = ("--min-requests", "50", "--quantiles", "0.5,0.95")
FILES = ["docker-compose.prod.yml", "infrastructure/compose/laptop.yml", "infrastructure/compose/stand-ins.yml"]
OVERLAY: dict[str, Any] = {
    "services": {
        "edge": {"environment": {"EDGE_KEY_RATE": "0", "EDGE_ADDRESS_RATE": "0", "EDGE_ADDRESS_OPEN": "8000"}},
        **{
            name: {"command": ["--model", "chat", "--decode-tps", str(TOKENS_PER_S), "--max-num-seqs", "2048"]}
            for name in ("vllm-1", "vllm-2")
        },
    }
}
"""One client is not what is to be limited here."""


class Site(Host):
    """The stack with versions `1` and `2`, blue serving."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        overlay = folder / "overlay.yml"
        overlay.write_text(yaml.safe_dump(OVERLAY))
        files = ":".join([*FILES, str(overlay)])
        super().__init__(ROOT, folder / "deploy", **stack.engine.env, **stack.env, COMPOSE_FILE=files)
        self.stack = stack
        for tag in ("1", "2", "3"):
            stack.engine.docker("tag", "penstock:test", f"penstock:{tag}")
        self._compose("up", "-d", "--no-build", "--no-deps", "--wait", "vllm-1", "vllm-2", "edge")
        with stack.client() as client:
            self.key = client.headers["authorization"].removeprefix("Bearer ")
        until(lambda: self.run("health_check").code == 0, 60)

    def _compose(self, *words: str) -> str:
        return self.stack.engine.run("docker", "compose", "--profile", "green", *words, **self.environment)

    def edge(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(
            self._compose("exec", "-T", "edge", "curl", "-s", "http://127.0.0.1:9180/edge")
        )
        return told

    def traffic(self) -> Traffic:
        return Traffic(self.stack.url, RATE, stream_tokens=STREAM_TOKENS, model="chat", key=self.key)


@pytest.fixture(scope="module")
def site(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(stack, tmp_path_factory.mktemp("site"))


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
        done = site.run("deploy", "rolling", "--version", "2", "--watch", "3", seconds=600)
        assert done.code == 0, done.text
        back = site.run("rollback", seconds=600)
        assert back.code == 0, back.text
    assert_nothing_lost(traffic.outcome, "rolling", figures)


def test_blue_green_and_back(site: Site, figures: Figures) -> None:
    with site.traffic() as traffic:
        done = site.run("deploy", "blue-green", "--version", "3", "--watch", "10", seconds=600)
        assert done.code == 0, done.text
        assert site.edge()["shares"] == {"blue": 0, "green": 100}
        back = site.run("rollback")
        assert back.code == 0, back.text
        assert site.edge()["shares"] == {"blue": 100, "green": 0}
    assert_nothing_lost(traffic.outcome, "blue_green", figures)
    figures(rollback_s=back.seconds)
    assert back.seconds < 2


def test_canary_and_back(site: Site, figures: Figures) -> None:
    with site.traffic() as traffic:
        done = site.run("deploy", "canary", "--version", "2", *CANARY, *DEMANDS, seconds=900)
        assert done.code == 0, done.text
        assert site.edge()["shares"] == {"blue": 0, "green": 100}
        assert site.run("rollback").code == 0
    assert_nothing_lost(traffic.outcome, "canary", figures)
