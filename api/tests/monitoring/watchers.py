"""Prometheus and Alertmanager as the stack runs them, with all times scaled down, on free ports of the loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

from tests.pages import ROOT
from tests.servers import free_port
from tests.talk import Json, until

MONITORING = ROOT / "monitoring"
RULES = MONITORING / "prometheus" / "rules"
STAND_IN = ROOT / "infrastructure/compose/stand-ins/alertmanager"


def scaled(source: Path, target: Path, by: float) -> Path:
    """The folder's files with their waits scaled, in another folder."""
    command: list[str | Path] = [sys.executable, ROOT / "scripts/scale_alerts.py", source, target, "--by", str(by)]
    subprocess.run(command, check=True)
    return target


class Watcher:
    """A process that answers at `/-/ready`. A context manager; ready when one has entered."""

    def __init__(self, folder: Path, *command: str | Path, **env: str) -> None:
        self._folder = folder
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self._log = (folder / "log").open("wb")
        words = [*command, f"--web.listen-address={self.address}"]
        self._process = subprocess.Popen(words, stdout=self._log, stderr=self._log, env={**os.environ, **env})
        self._client = httpx.Client(base_url=self.url, trust_env=False)

    def get(self, path: str, **asked: str) -> Any:
        return self._client.get(path, params=asked).raise_for_status().json()

    def text(self, path: str) -> str:
        return self._client.get(path).raise_for_status().text

    def post(self, path: str, body: Any) -> None:
        self._client.post(path, json=body).raise_for_status()

    def __enter__(self) -> Self:
        try:
            until(self._ready, 30)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._client.close()
        self._log.close()

    def _ready(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            return self._client.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False


class Alertmanager(Watcher):
    """With the project's routes; its secrets lead to the receiver's `/slack` and `/pager`."""

    def __init__(self, folder: Path, receiver: str, by: float) -> None:
        for name in ("slack", "pager"):
            (folder / f"{name}_url").write_text(f"{receiver}/{name}\n")
        config = scaled(MONITORING / "alertmanager", folder / "config", by) / "alertmanager.yml"
        config.write_text(config.read_text().replace("/run/secrets", str(folder)))
        flags = [f"--config.file={config}", f"--storage.path={folder / 'data'}", "--cluster.listen-address="]
        super().__init__(folder, STAND_IN, *flags)

    def fire(self, *alerts: Mapping[str, str], over: bool = False) -> None:
        """Send alerts by their labels; `summary` is an annotation."""
        told = []
        for alert in alerts:
            labels = {name: value for name, value in alert.items() if name != "summary"}
            one: Json = {"labels": labels, "annotations": {"summary": alert.get("summary", ""), "runbook": "docs/x.md"}}
            told.append(one | ({"endsAt": datetime.now(UTC).isoformat()} if over else {}))
        self.post("/api/v2/alerts", told)


class Prometheus(Watcher):
    """With the project's rules, over the targets given by job, once a second. `labels`: more of them, by target."""

    def __init__(
        self,
        program: str,
        folder: Path,
        jobs: Mapping[str, Sequence[str]],
        *tell: str,
        by: float,
        labels: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        def group(target: str) -> Json:
            return {"targets": [target], "labels": dict((labels or {}).get(target, {}))}

        scaled(RULES, folder / "rules", by)
        config = yaml.safe_load((MONITORING / "prometheus/prometheus.yml").read_text())
        config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        config["scrape_configs"] = [
            {"job_name": job, "static_configs": [*map(group, targets)]} for job, targets in jobs.items()
        ]
        config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": list(tell)}]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        flags = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
        super().__init__(folder, program, *flags)

    def alerts(self) -> dict[str, str]:
        """The state of each alert that is not at rest, by name."""
        told = self.get("/api/v1/alerts")["data"]["alerts"]
        return {alert["labels"]["alertname"]: alert["state"] for alert in told}

    def value(self, query: str) -> float | None:
        """The first sample that a query finds."""
        found = self.get("/api/v1/query", query=query)["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def sick(self) -> dict[str, str]:
        """The rules that could not be evaluated, and why."""
        groups = self.get("/api/v1/rules")["data"]["groups"]
        return {rule["name"]: rule["lastError"] for group in groups for rule in group["rules"] if rule.get("lastError")}
