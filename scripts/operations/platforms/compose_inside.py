"""The compose stack from within, where only the edge is published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from operations.edge import Edge
from operations.errors import CannotAsk
from operations.platforms.containers import Container, Containers
from operations.shell import Shell

GRAFANA = 'wget -q -O - "http://admin:$(cat /run/secrets/grafana_password)@127.0.0.1:3000$0"'


class ComposeInside:
    """Instances are asked by the edge, with its curl; Grafana by itself, with the password that lies in it."""

    def __init__(self, shell: Shell, containers: Containers, edge: Edge, secrets: Path) -> None:
        self.secrets = secrets
        self._shell = shell
        self._containers = containers
        self._edge = edge

    def ask(self, unit: str, path: str, *, key: str = "", post: bool = False) -> str:
        curl = ["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "5", "--header", "@-"]
        verb = ["--request", "POST"] if post else []
        words = ["docker", "exec", "-i", self._containers.edge, *curl, *verb, f"http://{unit}:8080{path}"]
        says = f"authorization: Bearer {key}\n" if key else "\n"
        return self._shell.act(words, says=says) if post else self._shell.look(words, says=says)

    def peers(self) -> Mapping[str, bool]:
        _, peers = self._edge.read()
        return {peer.name: peer.up for peer in peers}

    def grafana(self, path: str) -> str:
        found = self._containers.by_service().get("grafana", Container())
        if not found.image:
            raise CannotAsk("no Grafana runs")
        return self._shell.look(["docker", "exec", found.name, "sh", "-c", GRAFANA, path])

    def environments(self) -> Mapping[str, Mapping[str, str]]:
        return {name: each.environment for name, each in self._containers.by_service().items() if each.image}
