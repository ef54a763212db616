"""The fourth platform: plain processes, for tests. `--platform tests.operations.processes:processes`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from operations.edge import Edge
from operations.errors import CannotAsk, StepFailed
from operations.platform import Answers
from operations.shell import Shell
from operations.words import Colour, Picture, Shares, Unit

BARE = ["curl", "--noproxy", "*"]
CURL = [*BARE, "--silent", "--show-error", "--fail"]


class Within:
    """What the file tells: where the secrets are, environments by name, and where Grafana is."""

    def __init__(self, shell: Shell, edge: Edge, file: Path) -> None:
        self._shell = shell
        self._edge = edge
        self._told = json.loads(file.read_text())
        self.secrets = Path(self._told["secrets"])

    def ask(self, unit: str, path: str, *, key: str = "", post: bool = False) -> str:
        words = [*CURL, "--header", "@-", *(["--request", "POST"] if post else []), f"http://{unit}{path}"]
        says = f"authorization: Bearer {key}\n"
        return self._shell.act(words, says=says) if post else self._shell.look(words, says=says)

    def peers(self) -> Mapping[str, bool]:
        return {peer.name: peer.up for peer in self._edge.read()[1]}

    def grafana(self, path: str) -> str:
        return self._shell.look([*CURL, self._told["grafana"] + path])

    def environments(self) -> Mapping[str, Mapping[str, str]]:
        told: dict[str, dict[str, str]] = self._told["environments"]
        return told


class Processes:
    """Asks a `Stack` for everything."""

    name = "processes"

    def __init__(self, shell: Shell, where: Mapping[str, str]) -> None:
        self._shell = shell
        self._control = where["STACK_CONTROL"]
        self._edge = Edge(shell, BARE, where["STACK_EDGE"], where["STACK_METRICS"])

    def picture(self) -> Picture:
        shares, peers = self._edge.read()
        try:
            slots = json.loads(self._shell.look([*CURL, f"{self._control}/slots"]))
        except StepFailed as error:
            raise CannotAsk(str(error)) from None
        return Picture(
            shares,
            tuple(
                Unit(
                    peer.name,
                    peer.colour,
                    slots[peer.name]["version"],
                    ready=peer.up and slots[peer.name]["ready"],
                    drained=peer.drained,
                    in_flight=peer.in_flight,
                    life=slots[peer.name]["life"],
                )
                for peer in peers
            ),
        )

    def answers(self) -> Mapping[Colour, Answers]:
        return self._edge.answers()

    def ask_prometheus(self, path: str) -> str:
        raise AssertionError(f"tests say which Prometheus: {path}")

    def fetch(self, version: str) -> None:
        if version == "missing":
            raise StepFailed("there is no image `missing`")

    def replace(self, unit: Unit, version: str) -> None:
        asked = json.dumps({"version": version})
        self._shell.act([*CURL, "-X", "PUT", "--data", asked, f"{self._control}/slots/{unit.name}"])

    def stop(self, unit: Unit) -> None:
        self._shell.act([*CURL, "-X", "DELETE", f"{self._control}/slots/{unit.name}"])

    def smoke(self, unit: Unit) -> None:
        self._shell.act([sys.executable, "-m", "penstock.cli", "smoke-test", "--url", f"http://{unit.name}"])

    def drain(self, unit: Unit, drained: bool) -> None:
        self._edge.drain(unit.name, drained)

    def scaling(self) -> None:
        """Slots are as many as there are."""

    def inside(self) -> Within | None:
        return Within(self._shell, self._edge, Path(os.environ["STACK_SITE"])) if "STACK_SITE" in os.environ else None

    def share(self, shares: Shares, *, force: bool = False) -> None:
        self._edge.share(shares, force=force)


def processes(options: argparse.Namespace, shell: Shell, state: Path) -> Processes:
    del options, state
    return Processes(shell, os.environ)
