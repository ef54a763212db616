"""A pool of three replicas with a cloud behind it, to be hurt under load."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.gateway import Gateway, Line, one_model
from tests.servers import Simulator

CLOUD_KEY = {"CLOUD_KEY": "sk-load"}
BRISK = {"connect_s": 1, "first_event_s": 1, "between_events_s": 1, "total_s": 20, "token_s": 0.02}
"""Limits for a test that waits for them; a test that does not keeps the defaults, which a busy machine keeps too."""


@dataclass
class Pool:
    """Replicas, a cloud, and gateways over them. What was started ends with the test."""

    folder: Path
    ends: ExitStack
    flags: tuple[str, ...] = ("--speed", "2")
    replicas: list[Simulator] = field(default_factory=list)
    cloud: Simulator | None = None

    def start(self, *flags: str) -> None:
        """Three replicas and the cloud; 100 tokens a second, unless other flags say more."""
        self.flags = (*self.flags, *flags)
        self.replicas = [self._simulator(*self.flags) for _ in range(3)]
        self.cloud = self._simulator("--role", "cloud", "--model", "gpt-4o-mini", *self.flags)

    def name(self, at: int) -> str:
        """A replica's name at the gateway."""
        return f"127.0.0.1:{self.replicas[at].port}"

    def restart_all(self) -> float:
        """New replicas on the ports of those that are dead. Returns when the last was up, monotonic."""
        self.replicas = [self._simulator(*self.flags, port=replica.port) for replica in self.replicas]
        return time.monotonic()

    def settings(self, *, fallback: bool = True, timeouts: Line | None = None, **more: Any) -> Line:
        cloud = self.cloud.url if self.cloud and fallback else None
        urls = [replica.url for replica in self.replicas]
        return {**one_model(urls, cloud=cloud, model={"timeouts": timeouts or {}}), **more}

    def gateway(self, settings: Line | None = None) -> Gateway:
        return self.ends.enter_context(Gateway(self.folder, settings or self.settings(), env=CLOUD_KEY))

    def _simulator(self, *flags: str, port: int = 0) -> Simulator:
        return self.ends.enter_context(Simulator(*flags, port=port))


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    with ExitStack() as ends:
        yield Pool(tmp_path, ends)
