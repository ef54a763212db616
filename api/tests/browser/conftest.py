"""A browser before the status page of a gateway over three replicas and a cloud."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import DRIVER, Chromium
from tests.gateway import Gateway
from tests.servers import Simulator
from tests.talk import Client, Json

OPERATOR = "sk-operator-zanzibar"
CLOUD_KEY = {"CLOUD_KEY": "sk-cloud"}


class Pool:
    """Three replicas, `gpu-1` to `gpu-3`, a cloud, and the settings of a gateway over them."""

    def __init__(self) -> None:
        self.replicas = [Simulator("--speed", "20") for _ in range(3)]
        self.cloud = Simulator("--role", "cloud", "--model", "gpt-4o-mini", "--api-key", CLOUD_KEY["CLOUD_KEY"])

    def settings(self, **more: Any) -> Json:
        targets = [{"id": f"gpu-{at}", "url": each.url} for at, each in enumerate(self.replicas, 1)]
        model = {
            "name": "tiny",
            "aliases": ["support"],
            "replicas": targets,
            "fallback": [{"cloud": "openai", "model": "gpt-4o-mini"}],
            "price": {"input_per_million_usd": 150, "output_per_million_usd": 600},
        }
        return {
            "models": [model],
            "clouds": {"openai": {"base_url": f"{self.cloud.url}/v1", "api_key_env": "CLOUD_KEY"}},
            "operator_keys": [f"ops={OPERATOR}"],
            "watch": {"interval_s": 0.2, "failures": 2},
            "breaker": {"fail_max": 3, "reset_s": 600, "reset_max_s": 600},
            "drain_delay_s": 0,
            **more,
        }

    def revive(self, at: int) -> None:
        """A replica that was killed is there again, at its port."""
        port = self.replicas[at].port
        self.replicas[at].stop()
        self.replicas[at] = Simulator("--speed", "20", port=port)

    def stop(self) -> None:
        for each in (*self.replicas, self.cloud):
            each.stop()


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.stop()


@pytest.fixture
def gateway(pool: Pool, tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(tmp_path, pool.settings(), env=CLOUD_KEY) as gateway:
        yield gateway


@pytest.fixture
def client(gateway: Gateway) -> Iterator[Client]:
    with Client(gateway.url, OPERATOR) as client:
        yield client


@pytest.fixture
def chromium(require: Callable[[str], str]) -> Iterator[Chromium]:
    program, node = require("chromium"), require("node")
    require("npm")
    subprocess.run([DRIVER / "install"], check=True, timeout=60)
    with Chromium(node, program) as chromium:
        yield chromium
