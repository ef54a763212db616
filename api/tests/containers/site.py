"""The stack as a host where versions are deployed, and the load on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.operations.traffic import Traffic
from tests.operations.verb import Host
from tests.pages import ROOT
from tests.stack import Stack
from tests.talk import until

RATE = 100
TOKENS_PER_S = 60
STREAM_TOKENS = 90
"""The more are open, the slower each is: 150 at each replica, at 15 tokens a second."""
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
        super().__init__(ROOT, folder / "deploy", **stack.engine.env | stack.env | {"COMPOSE_FILE": files})
        self.stack = stack
        for tag in ("1", "2", "3"):
            stack.engine.docker("tag", "penstock:test", f"penstock:{tag}")
        self._compose("up", "-d", "--no-build", "--no-deps", "--wait", "vllm-1", "vllm-2", "edge")
        with stack.client() as client:
            self.key = client.headers["authorization"].removeprefix("Bearer ")
        until(lambda: self.run("health_check").code == 0, 60)

    def _compose(self, *words: str) -> str:
        return self.stack.engine.run("docker", "compose", "--profile", "green", *words, **self.environment)

    def put_back(self) -> None:
        """The stack as it came up: blue alone, with its first version and settings."""
        self._compose("rm", "--stop", "--force", *(f"api-green-{slot}" for slot in (1, 2, 3)))
        self.stack.compose("up", "--detach", "--no-build", "--wait")

    def edge(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(
            self._compose("exec", "-T", "edge", "curl", "-s", "http://127.0.0.1:9180/edge")
        )
        return told

    def traffic(self) -> Traffic:
        return Traffic(self.stack.url, RATE, stream_tokens=STREAM_TOKENS, model="chat", key=self.key)
