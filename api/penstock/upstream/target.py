"""Somewhere a call can go: a replica or a cloud, with its breaker and the count of what is in flight there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from penstock import __version__
from penstock.errors import TargetRefused
from penstock.settings.parts import Breaker as BreakerSettings
from penstock.settings.tls import NO_FILES, TlsFiles
from penstock.upstream.breaker import Breaker, State
from penstock.upstream.transport import Origin

Kind = Literal["replica", "cloud"]

SHORTEST_KEY: Final = 8
"""What is shorter keeps nobody out, and may be a word of any message."""
USER_AGENT: Final = f"penstock/{__version__}"


@dataclass(frozen=True, slots=True)
class EngineGauges:
    """What a replica's engine said of itself: `elsewhere` is its load beyond what we had in flight there then.
    `generated`: tokens since the engine started; `tokens_per_s`: since the reading before."""

    read_at: float
    running: int
    waiting: int
    kv_cache_usage: float
    elsewhere: int
    generated: float = 0.0
    tokens_per_s: float = 0.0


class Lease:
    """A counted place on a target, given back exactly once."""

    __slots__ = ("_target",)

    def __init__(self, target: Target) -> None:
        self._target: Target | None = target
        target.in_flight += 1
        target.begun += 1

    def release(self) -> None:
        target, self._target = self._target, None
        if target is not None:
            target.in_flight -= 1


class Told(NamedTuple):
    """What a target's breaker goes by, and who is told when it changes its state."""

    breaker: BreakerSettings
    changed: Callable[[Target, State], None]


class Place(NamedTuple):
    """Where a target is, and as whom we come."""

    url: str
    key: str = ""
    tls: TlsFiles = NO_FILES

    def __repr__(self) -> str:
        return f"Place({self.url!r})"


class Target:
    """One server. Its key goes into its requests and nowhere else."""

    def __init__(self, name: str, kind: Kind, place: Place, clock: Callable[[], float], told: Told) -> None:
        parts = urlsplit(place.url)
        tls = parts.scheme == "https"
        self.id = name
        self.kind: Kind = kind
        self.url = place.url
        self.origin = Origin(parts.hostname or "", parts.port or (443 if tls else 80), tls, place.tls)
        self.breaker = Breaker(told.breaker, clock, lambda state: told.changed(self, state))
        self.in_flight = 0
        self.begun = 0
        """Leases ever taken."""
        self.drained = False
        self.up = True
        self.engine: EngineGauges | None = None
        self._place = place
        self._host = parts.netloc.rpartition("@")[2]
        # A replica's URL stands before /v1. A cloud's is what OpenAI's clients call base_url, /v1 or its like included.
        self._base, self._stem = (parts.path, "/v1") if kind == "cloud" else (parts.path.removesuffix("/v1"), "")
        self._heads: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"Target({self.id!r}, {self.kind!r})"

    def is_at(self, kind: Kind, place: Place) -> bool:
        return (self.kind, self._place) == (kind, place)

    def hide_key(self, refusal: TargetRefused) -> None:
        """Take our key out of what the target said, should it have repeated it."""
        key = self._place.key
        if len(key) < SHORTEST_KEY:
            return
        refusal.message = refusal.message.replace(key, "[key]")
        refusal.code = refusal.code.replace(key, "[key]")  # type: ignore[misc]  # its own, as its status is
        if refusal.param is not None:
            refusal.param = refusal.param.replace(key, "[key]")

    @property
    def authorization(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._place.key}"} if self._place.key else {}

    def lease(self) -> Lease:
        return Lease(self)

    def head(self, path: str, length: int, request_id: str, timeout_s: float, onward: str) -> bytes:
        """The request's first bytes. No header of the client's is among them, but for a trace's `onward`."""
        head = self._heads.get(path)
        if head is None:
            head = self._heads[path] = self._fixed(path)
        told = (
            f"content-length: {length}\r\nx-request-id: {request_id}\r\n"
            f"x-penstock-timeout-ms: {int(timeout_s * 1000)}{onward}\r\n\r\n"
        )
        return head + told.encode()

    def question(self, path: str) -> bytes:
        """A GET's only bytes. The connection is not kept: questions are few."""
        headers = {"host": self._host, "user-agent": USER_AGENT, "connection": "close", **self.authorization}
        return _head(f"GET {self._base}{path}", headers) + b"\r\n"

    def _fixed(self, path: str) -> bytes:
        headers = {
            "host": self._host,
            "user-agent": USER_AGENT,
            "content-type": "application/json",
            "accept-encoding": "identity",
            **self.authorization,
        }
        return _head(f"POST {self._base}{path.removeprefix(self._stem)}", headers)


def _head(asked: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{asked} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "".join(line + "\r\n" for line in lines).encode("latin-1")
