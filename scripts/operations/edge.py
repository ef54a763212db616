"""The edge's control endpoint, spoken to with curl, which is where the edge is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from operations.errors import CannotAsk, StepFailed
from operations.platform import Answers
from operations.shell import Shell
from operations.words import COLOURS, Colour, Shares

COUNTED = re.compile(r"^edge_requests_total\{([^}]*)\} (\S+)", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')
OPTIONS = ("--silent", "--show-error", "--fail-with-body", "--max-time", "5")
STATUS = ("--max-time", "2", "--write-out", "%{url_effective} %{http_code}\\n")


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    colour: Colour
    address: str
    up: bool
    drained: bool
    in_flight: int


class Edge:
    """`curl` is the beginning of the command that reaches it: `docker compose exec -T edge curl`, say."""

    def __init__(
        self,
        shell: Shell,
        curl: Sequence[str],
        control: str = "http://127.0.0.1:9180",
        metrics: str = "http://127.0.0.1:9181",
    ) -> None:
        self._shell = shell
        self._curl = [*curl, *OPTIONS]
        self._control = control
        self._metrics = metrics

    def read(self) -> tuple[Shares, tuple[Peer, ...]]:
        """The shares and the peers. Raises CannotAsk."""
        shares, peers, _ = self.read_and_ask(())
        return shares, peers

    def read_and_ask(self, urls: Iterable[str]) -> tuple[Shares, tuple[Peer, ...], set[str]]:
        """The same, and which of these URLs answer 200: by one command, since a command costs more than they do."""
        asked = [word for url in urls for word in ("--output", "/dev/null", url)]
        first = [*STATUS, *asked, "--next", *OPTIONS] if asked else []  # curl fails as its last request does
        try:
            lines, brace, state = self._shell.look([*self._curl, *first, f"{self._control}/edge"]).partition("{")
            told = json.loads(brace + state)
            shares: Shares = {colour: int(told["shares"][colour]) for colour in COLOURS}
            peers = tuple(_peer(each) for each in told["peers"])
        except (StepFailed, ValueError, KeyError, TypeError) as error:
            raise CannotAsk(f"the edge does not tell its state: {error}") from None
        return shares, peers, {line.removesuffix(" 200") for line in lines.splitlines() if line.endswith(" 200")}

    def answers(self) -> Mapping[Colour, Answers]:
        """Requests by the colour that answered them."""
        counted = dict.fromkeys(COLOURS, Answers(0, 0))
        for labels, value in COUNTED.findall(self.get(f"{self._metrics}/metrics")):
            named = dict(LABEL.findall(labels))
            colour: Colour | None = next((each for each in COLOURS if each == named.get("colour")), None)
            if colour is not None:
                failed = any(re.fullmatch(r"5(xx|\d\d)", each) for each in named.values())
                so_far = counted[colour]
                count = int(float(value))
                counted[colour] = Answers(so_far.count + count, so_far.failed + count * failed)
        return counted

    def get(self, url: str) -> str:
        """Any URL, as the edge reaches it. Raises StepFailed."""
        return self._shell.look([*self._curl, url])

    def drain(self, peer: str, drained: bool) -> None:
        self._put(f"/edge/peers/{peer}", {"drained": drained})

    def share(self, shares: Shares, *, force: bool = False) -> None:
        told: dict[str, object] = {colour: shares[colour] for colour in COLOURS}
        self._put("/edge/shares" + ("?force=1" if force else ""), told)

    def _put(self, path: str, body: Mapping[str, object]) -> None:
        self._shell.act([*self._curl, "-X", "PUT", "--data", json.dumps(body), self._control + path], limit_s=15)


def _peer(told: Mapping[str, Any]) -> Peer:
    """What the edge tells of one. It has no address as long as its name does not resolve."""
    known = {field.name: told[field.name] for field in fields(Peer)}
    return Peer(**{**known, "address": told["address"] or ""})
