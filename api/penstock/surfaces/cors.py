"""Which pages of other sites may call the API from a browser (https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from __future__ import annotations

from typing import Final

from penstock.surfaces.framing import Headers
from penstock.surfaces.wire import Wire

OPEN_PATHS: Final = "/v1/"
"""No page of another site has to do with what operators see and do."""
MAY_SEND = b"authorization, content-type, x-request-id"
MAY_READ = b"retry-after, x-penstock-attempts, x-penstock-left-out, x-penstock-model, x-penstock-target, x-request-id"
KEPT_S = b"600"
"""How long a browser may go by what it was told."""


class Cors:
    """Where no origin is named, browsers hear nothing of this, and so keep answers from the pages that asked."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers(self, wire: Wire) -> Headers:
        """Of an answer to this request. No cookie is ever asked for: a page that may call needs a key of its own."""
        if not self._origins or not wire.path.startswith(OPEN_PATHS):
            return []
        vary = (b"vary", b"origin")
        origin = wire.headers.get(b"origin", b"")
        if origin not in self._origins:
            return [vary]
        told: Headers = [(b"access-control-allow-origin", origin), vary]
        if self.asks_before(wire):
            told += [
                (b"access-control-allow-methods", b"GET, POST"),
                (b"access-control-allow-headers", MAY_SEND),
                (b"access-control-max-age", KEPT_S),
            ]
        else:
            told.append((b"access-control-expose-headers", MAY_READ))
        return told

    def asks_before(self, wire: Wire) -> bool:
        """A browser asks whether a page may call; it sends no key with that."""
        return (
            wire.method == "OPTIONS"
            and b"access-control-request-method" in wire.headers
            and wire.path.startswith(OPEN_PATHS)
            and wire.headers.get(b"origin") in self._origins
        )
