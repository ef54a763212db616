"""Docker compose on this host: three slots a colour, behind our own edge."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from operations.edge import Edge, Peer
from operations.errors import CannotAsk, StepFailed
from operations.platform import Answers
from operations.platforms.compose_inside import ComposeInside
from operations.platforms.containers import Container, Containers
from operations.shell import Shell
from operations.telling import tell
from operations.words import COLOURS, Colour, Picture, Shares, Unit

ROOT = Path(__file__).parents[3]
INSIDE = "http://127.0.0.1:8080"
PROMETHEUS = "http://prometheus:9090"
"""As the edge reaches it: it is not published."""
FILE = "docker-compose.prod.yml"
NOTHING = Container()
SLOT = re.compile(r"-(blue|green)-")
READY = "http://{}:8080/health/ready"


class Compose:
    """`folder` holds `compose.env`: which version each colour runs, for whoever runs docker compose."""

    name = "compose"

    def __init__(self, shell: Shell, folder: Path, state: Path, files: Iterable[str], image: str) -> None:
        self._shell = shell
        self._folder = folder
        self._env_file = state / "compose.env"
        self._files = [word for file in files for word in ("-f", file)]
        self._image = image
        self._containers = Containers(shell, _project(folder, self._files[1::2]), self._compose())

    @cached_property
    def _edge(self) -> Edge:
        return Edge(self._shell, ("docker", "exec", self._containers.edge, "curl"))

    def picture(self) -> Picture:
        """A slot is asked itself whether it is ready: the edge would need a second or two to notice a change."""
        try:
            containers = self._containers.by_service()
            slots = (name for name, each in containers.items() if each.image and SLOT.search(name))
            shares, peers, well = self._edge.read_and_ask(READY.format(name) for name in slots)
        except (StepFailed, ValueError, KeyError) as error:
            raise CannotAsk(f"docker does not tell what runs: {error}") from None
        units = (_unit(peer, containers.get(peer.name, NOTHING), READY.format(peer.name) in well) for peer in peers)
        return Picture(shares, tuple(units))

    def answers(self) -> Mapping[Colour, Answers]:
        return self._edge.answers()

    def ask_prometheus(self, path: str) -> str:
        return self._edge.get(PROMETHEUS + path)

    def fetch(self, version: str) -> None:
        wanted = f"{self._image}:{version}"
        if not self._shell.look(["docker", "image", "ls", "--quiet", wanted]).strip():
            self._shell.act(["docker", "pull", "--quiet", wanted], limit_s=900)

    def replace(self, unit: Unit, version: str) -> None:
        self._note(unit.colour, version)
        self._shell.act([*self._compose(), "up", "-d", "--no-deps", "--no-build", "--force-recreate", unit.name])

    def stop(self, unit: Unit) -> None:
        self._shell.act([*self._compose(), "stop", unit.name])

    def smoke(self, unit: Unit) -> None:
        inside = ("exec", "-T", unit.name, "penstock", "smoke-test", "--url", INSIDE)
        self._shell.act([*self._compose(), *inside], limit_s=150)

    def drain(self, unit: Unit, drained: bool) -> None:
        self._edge.drain(unit.name, drained)

    def share(self, shares: Shares, *, force: bool = False) -> None:
        self._edge.share(shares, force=force)

    def scaling(self) -> None:
        """The slots are as many as the file has."""

    def inside(self) -> ComposeInside:
        secrets = self._folder / os.environ.get("PENSTOCK_SECRETS", ".secrets")
        return ComposeInside(self._shell, self._containers, self._edge, secrets)

    def _compose(self) -> list[str]:
        settings = (file for file in (self._folder / ".env", self._env_file) if file.exists())
        envs = [word for file in settings for word in ("--env-file", str(file))]
        return ["docker", "compose", *envs, *self._files, "--profile", "green"]

    def _note(self, colour: Colour, version: str) -> None:
        """Into `compose.env`. What was never deployed has the version of the first that is."""
        versions = self._noted() or self._running()
        versions = {each: versions.get(each) or version for each in COLOURS} | {colour: version}
        text = "".join(f"{_variable(each)}={versions[each]}\n" for each in COLOURS)
        if self._shell.dry:
            tell(f"    would write {self._env_file}: {text.strip()}")
            return
        beside = self._env_file.with_suffix(".new")
        beside.write_text(text)
        beside.replace(self._env_file)

    def _noted(self) -> dict[Colour, str]:
        if not self._env_file.exists():
            return {}
        noted = dict(line.split("=", 1) for line in self._env_file.read_text().splitlines() if "=" in line)
        return {colour: noted[_variable(colour)] for colour in COLOURS if _variable(colour) in noted}

    def _running(self) -> dict[Colour, str]:
        containers = self._containers.by_service()
        return {
            colour: next((each.tag for name, each in containers.items() if f"-{colour}-" in name), "")
            for colour in COLOURS
        }


def _unit(peer: Peer, container: Container, answers: bool) -> Unit:
    """The edge has to know the container's own address: a new container may have another."""
    found = peer.address.rpartition(":")[0] in container.addresses
    return Unit(
        name=peer.name,
        colour=peer.colour,
        version=container.tag,
        ready=peer.up and found and answers,
        drained=peer.drained,
        in_flight=peer.in_flight,
        life=container.started if container.image else "",
    )


def _project(folder: Path, files: Iterable[str]) -> str:
    """As compose finds its name: in the environment, then in the last file that has one; empty if there is none."""
    told = os.environ.get("COMPOSE_PROJECT_NAME", "")
    texts = ((folder / file).read_text() for file in files if (folder / file).exists())
    named = [name for text in texts for name in re.findall(r"^name: *([a-z0-9][a-z0-9_-]*) *$", text, re.MULTILINE)]
    return told or (named[-1] if named else "")


def _variable(colour: Colour) -> str:
    return f"PENSTOCK_{colour.upper()}_VERSION"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("compose")
    group.add_argument("--dir", type=Path, default=ROOT, help="the folder of the compose file (the project's)")
    files = os.environ.get("COMPOSE_FILE", FILE).split(os.environ.get("COMPOSE_PATH_SEPARATOR", ":"))
    group.add_argument("--file", action="append", help=f"compose file, again for an overlay ({' '.join(files)})")
    parser.set_defaults(files=files)


def compose(options: argparse.Namespace, shell: Shell, state: Path) -> Compose:
    return Compose(shell, options.dir.resolve(), state, options.file or options.files, options.image)
