"""Who may ask. Keys are kept as hashes only; a route is closed unless it is listed as open."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from pydantic import SecretStr

from penstock.errors import Forbidden, Unauthorized

OPEN_ROUTES = frozenset({"/", "/status/events", "/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json"})
"""Open at this door: the first two have one of their own."""
ADMIN = "/admin"


class Doorkeeper:
    """Knows the callers by their keys. Where there are no keys at all, everyone is let in as `anyone`."""

    def __init__(self, api_keys: Iterable[SecretStr], operator_keys: Iterable[SecretStr]) -> None:
        self._callers = _hashed(api_keys)
        self._operators = _hashed(operator_keys)
        self.keyed = bool(self._callers or self._operators)
        """There are keys at all."""

    def caller(self, path: str, headers: Mapping[bytes, bytes]) -> str:
        """The caller's name. Raises Unauthorized without a known key, Forbidden where it opens something else."""
        if path in OPEN_ROUTES:
            return "anyone"
        if not self.keyed:
            if path.startswith(ADMIN) and _is_foreign(headers):
                raise Forbidden("Without keys, pages of other sites may not do this.")
            return "anyone"
        digest = hashlib.sha256(_bearer(headers)).digest()
        operator = self._operators.get(digest)
        if operator is not None:
            return operator
        caller = self._callers.get(digest)
        if caller is None:
            raise Unauthorized("This needs a valid key, sent as `authorization: Bearer <key>`.")
        if path.startswith(ADMIN):
            raise Forbidden("This needs an operator's key.")
        return caller


def _is_foreign(headers: Mapping[bytes, bytes]) -> bool:
    """A browser says so of every request that a page of another site makes it send."""
    origin = headers.get(b"origin")
    return origin is not None and origin.partition(b"://")[2] != headers.get(b"host")


def _bearer(headers: Mapping[bytes, bytes]) -> bytes:
    scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" else b""


def _hashed(keys: Iterable[SecretStr]) -> dict[bytes, str]:
    """By SHA-256: a look-up takes the same time whatever was sent, and the keys are random, so need no salt."""
    found: dict[bytes, str] = {}
    for secret in keys:
        name, _, key = secret.get_secret_value().partition("=")
        found[hashlib.sha256(key.encode()).digest()] = name
    return found
