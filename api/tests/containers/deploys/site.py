"""The stack as a host where versions are deployed, and the load on it."""

from __future__ import annotations

import json
import shutil
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
SLOTS = {colour: [f"api-{colour}-{slot}" for slot in (1, 2, 3)] for colour in ("blue", "green")}
CONTROL = "http://127.0.0.1:9180"
FILES = ["docker-compose.prod.yml", "infrastructure/compose/laptop.yml", "infrastructure/compose/stand-ins.yml"]
OVERLAY: dict[str, Any] = {
    "services": {
        "edge": {"environment": {"EDGE_KEY_RATE": "0", "EDGE_ADDRESS_RATE": "0", "EDGE_ADDRESS_OPEN": "8000"}},
        **{
            name: {"command": ["--model", "chat", "--decode-tps", str(TOKENS_PER_S), "--max-num-seqs", "2048"]}
            for name in ("vllm-1", "vllm-2")
        },
        **{name: {"environment": {"PENSTOCK_DRAIN_DELAY_S": "0"}} for slots in SLOTS.values() for name in slots},
    }
}
"""One client is not what is to be limited here; and a slot is told to end after the edge has taken it out."""


class Site(Host):
    """The stack with versions `1` to `3` and those of `ill`, blue serving."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        overlay = folder / "overlay.yml"
        overlay.write_text(yaml.safe_dump(OVERLAY))
        files = ":".join([*FILES, str(overlay)])
        super().__init__(ROOT, folder / "deploy", **stack.engine.env | stack.env | {"COMPOSE_FILE": files})
        self.stack = stack
        self._first = stack.env["PENSTOCK_BLUE_VERSION"]
        for tag in ("1", "2", "3"):
            stack.engine.docker("tag", f"penstock:{self._first}", f"penstock:{tag}")
        self._compose("up", "-d", "--no-build", "--no-deps", "--wait", "vllm-1", "vllm-2", "edge")
        with stack.client() as client:
            self.key = client.headers["authorization"].removeprefix("Bearer ")

    def make_ill(self, *versions: str) -> None:
        """Make them of the first version."""
        folder = str(Path(__file__).parent / "ill")
        for each in versions:
            self.stack.engine.docker("build", "--quiet", f"--build-arg=ILL={each}", f"--tag=penstock:{each}", folder)

    def as_new(self) -> None:
        """Blue with its first version and all the traffic, green empty, and nobody deployed here."""
        self._compose("rm", "--stop", "--force", *SLOTS["green"])
        self._compose("up", "-d", "--no-build", "--no-deps", *SLOTS["blue"])
        for name in (peer["name"] for peer in self.edge()["peers"] if peer["drained"]):
            self._tell_edge(f"peers/{name}", {"drained": False})
        self._tell_edge("shares?force=1", {"blue": 100, "green": 0})
        shutil.rmtree(self.state, ignore_errors=True)
        until(lambda: self.run("health_check").code == 0, 120)

    def put_back(self) -> None:
        """The stack as it came up."""
        self._compose("rm", "--stop", "--force", *SLOTS["green"])
        self.stack.compose("up", "--detach", "--no-build", "--wait")

    def assert_as_before(self) -> None:
        """Blue serves with its first version, nothing else runs, and nothing is under way."""
        told = json.loads(until(lambda: self.run("status", "--json").out, 60))
        assert told["shares"] == {"blue": 100, "green": 0}
        assert told["under_way"] is None
        assert [unit["version"] for unit in told["units"]] == [self._first] * 3 + [""] * 3
        assert not any(unit["drained"] for unit in told["units"])

    def edge(self) -> dict[str, Any]:
        """Its state."""
        told: dict[str, Any] = json.loads(self._curl(CONTROL + "/edge"))
        return told

    def answered(self, colour: str) -> int:
        """Requests that this colour has answered since the edge began."""
        lines = self._curl("http://127.0.0.1:9181/metrics").splitlines()
        counted = (line.split() for line in lines if line.startswith(f'edge_requests_total{{colour="{colour}"'))
        return sum(int(float(count)) for _, count in counted)

    def traffic(self, rate: float = RATE, stream_tokens: int = STREAM_TOKENS) -> Traffic:
        return Traffic(self.stack.url, rate, stream_tokens=stream_tokens, model="chat", key=self.key)

    def _tell_edge(self, path: str, what: dict[str, Any]) -> None:
        self._curl("--fail", "-X", "PUT", "--data", json.dumps(what), f"{CONTROL}/edge/{path}")

    def _curl(self, *words: str) -> str:
        return self.stack.engine.docker("exec", f"{self.stack.name}-edge-1", "curl", "-s", *words)

    def _compose(self, *words: str) -> str:
        return self.stack.engine.run("docker", "compose", "--profile", "green", *words, **self.environment)
