"""A Prometheus of one's own, which looks every second at the gateways given by colour."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx
import yaml

from tests.servers import free_port


class Prometheus:
    """A context manager; ready when one has entered."""

    def __init__(self, program: str, folder: Path, targets: Mapping[str, Sequence[str]]) -> None:
        self._folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        groups = [{"targets": list(names), "labels": {"colour": colour}} for colour, names in targets.items()]
        job: dict[str, Any] = {"job_name": "api", "static_configs": groups}
        config = folder / "prometheus.yml"
        config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}))
        self._log = (folder / "prometheus.log").open("wb")
        address = self.url.removeprefix("http://")
        flags = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"]
        self._process = subprocess.Popen([program, *flags], stdout=self._log, stderr=self._log)

    def value(self, query: str) -> float:
        """The sum of what a query finds; 0 of nothing."""
        told = httpx.get(f"{self.url}/api/v1/query?query={quote(query)}", trust_env=False).json()
        return sum(float(each["value"][1]) for each in told["data"]["result"])

    def __enter__(self) -> Self:
        deadline = time.monotonic() + 30
        while not self._ready():
            assert self._process.poll() is None, (self._folder / "prometheus.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._log.close()

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False
