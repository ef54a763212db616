"""The whole stack, brought up by the command that people use: `scripts/laptop`."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.docker import Engine
from tests.pages import ROOT
from tests.servers import free_port

LAPTOP = str(ROOT / "scripts/laptop")


class Stack:
    """The laptop's stack under a name of its own, its images tagged `version`. A context manager."""

    def __init__(self, engine: Engine, folder: Path, name: str = "penstock-test", version: str = "test") -> None:
        self.engine = engine
        self.name = name
        self.url = f"https://127.0.0.1:{(port := free_port())}"
        self.plain_url = f"http://127.0.0.1:{(plain_port := free_port())}"
        self.env = {
            "COMPOSE_PROJECT_NAME": name,
            "PENSTOCK_STAND_INS": "1",
            "PENSTOCK_SECRETS": str(folder / "secrets"),
            "PENSTOCK_HTTPS_PORT": str(port),
            "PENSTOCK_HTTP_PORT": str(plain_port),
            "PENSTOCK_BLUE_VERSION": version,
            "PENSTOCK_GREEN_VERSION": version,
            "PENSTOCK_EDGE_VERSION": version,
        }
        self._secrets = folder / "secrets"

    def __enter__(self) -> Self:
        try:
            self.engine.run(LAPTOP, timeout=900, **self.env)
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def down(self) -> None:
        self.compose("--profile", "*", "down", "--volumes", "--timeout", "5")

    def compose(self, *words: str) -> str:
        """What `docker compose WORDS` prints, over the stack's files."""
        return self.engine.run(LAPTOP, *words, timeout=300, **self.env)

    def config(self) -> dict[str, Any]:
        """The stack's files as compose understands them."""
        return dict(json.loads(self.compose("config", "--format", "json")))

    def container(self, service: str) -> dict[str, Any]:
        """What the engine knows about a service's container."""
        return self.engine.inspect(f"{self.name}-{service}-1")

    def containers(self) -> dict[str, dict[str, Any]]:
        """The same of every container there is, by its service."""
        names = self.compose("ps", "--all", "--format", "{{.Service}}").split()
        return {name: self.container(name) for name in names}

    def client(self) -> httpx.Client:
        """A client with a key, who asks the edge and believes its own certificate."""
        key = (self._secrets / "api_keys").read_text().strip().partition("=")[2]
        headers = {"authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, verify=False, http2=False, headers=headers, timeout=60)
