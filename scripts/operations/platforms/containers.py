"""What docker knows of compose's containers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from operations.errors import CannotAsk
from operations.shell import Shell

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"


@dataclass(frozen=True, slots=True)
class Container:
    """`image` and `started` are empty where it does not run."""

    name: str = ""
    image: str = ""
    started: str = ""
    addresses: frozenset[str] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def tag(self) -> str:
        return self.image.rpartition(":")[2]


class Containers:
    """Docker is asked itself, for it answers ten times as fast as compose.

    `project` is compose's name for the whole; where it is not known, `compose`, the beginning of its command, tells.
    """

    def __init__(self, shell: Shell, project: str, compose: Sequence[str]) -> None:
        self._shell = shell
        self._known = project
        self._compose = compose
        self._edge = ""

    def by_service(self) -> dict[str, Container]:
        """All there are. Raises StepFailed, or ValueError where docker's answer cannot be read."""
        words = ["docker", "ps", "--all", "--quiet", "--filter", f"label={PROJECT}={self._project}"]
        found = [_container(each) for each in self._inspected(self._shell.look(words).split())]
        services = dict(sorted(found, key=lambda pair: bool(pair[1].image)))  # a killed compose may leave a dead second
        edge = services.get("edge", Container())
        self._edge = self._edge or (edge.image and edge.name)
        return services

    @property
    def edge(self) -> str:
        """The edge's container: its name stays when it is made anew. Raises CannotAsk if none runs."""
        if not self._edge:
            self.by_service()
        if not self._edge:
            raise CannotAsk("no edge runs: bring the stack up first, as docs/images.md says")
        return self._edge

    @cached_property
    def _project(self) -> str:
        if self._known:
            return self._known
        ids = self._shell.look([*self._compose, "ps", "--all", "--quiet"]).split()
        if not ids:
            raise CannotAsk("nothing of the stack is there: bring it up first, as docs/images.md says")
        (one,) = self._inspected(ids[:1])
        return str(one["Config"]["Labels"][PROJECT])

    def _inspected(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        words = ["docker", "inspect", *ids]
        return list(json.loads(self._shell.look(words))) if words[2:] else []


def _container(told: dict[str, Any]) -> tuple[str, Container]:
    state, config = told["State"], told["Config"]
    networks = told["NetworkSettings"]["Networks"].values()
    running = state["Running"]
    return config["Labels"][SERVICE], Container(
        told["Name"].removeprefix("/"),
        config["Image"] if running else "",
        state["StartedAt"] if running else "",
        frozenset(network["IPAddress"] for network in networks),
        {name: value for name, _, value in (each.partition("=") for each in config["Env"] or ())},
    )
