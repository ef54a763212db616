"""Who may ask. Keys are kept as hashes only; a route is closed unless it is listed as open."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from pydantic import SecretStr

from penstock.callers.caller import ANYONE, Caller, Key, digest_of
from penstock.callers.keyring import Keyring
from penstock.errors import Forbidden, FunctionNotAllowed, ModelNotFound, Unauthorized

OPEN_ROUTES: Final = frozenset(
    {"/", "/status/events", "/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json"}
)
"""Open at this door: the first two have one of their own."""
ADMIN: Final = "/admin"


class Doorkeeper:
    """Knows the callers by their keys. Where there are no keys at all, everyone is let in as `anyone`.

    `keyed`: there are keys, or will be: what has a place for callers is closed while it is empty.
    """

    def __init__(
        self, callers: Keyring, operators: Keyring, *, keyed: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self._callers = callers
        self._operators = operators
        self._clock = clock
        self.keyed = keyed

    def caller(self, path: str, headers: Mapping[bytes, bytes]) -> Caller:
        """Raises Unauthorized without a known key, Forbidden where it opens something else."""
        if path in OPEN_ROUTES:
            return ANYONE
        if not self.keyed:
            if path.startswith(ADMIN) and _is_foreign(headers):
                raise Forbidden("Without keys, pages of other sites may not do this.")
            return ANYONE
        digest, now = digest_of(_bearer(headers)), self._clock()
        operator = self._operators.caller(digest, now)
        if operator is not None:
            return operator
        caller = self._callers.caller(digest, now)
        if caller is None:
            raise Unauthorized("This needs a valid key, sent as `authorization: Bearer <key>`.")
        if path.startswith(ADMIN):
            error = Forbidden("This needs an operator's key.")
            error.caller = caller.name
            raise error
        return caller


def callers_of(keys: Iterable[SecretStr]) -> tuple[Caller, ...]:
    """Callers without limits, from a setting's `name=key`."""
    found: dict[str, Caller] = {}
    for secret in keys:
        name, _, plain = secret.get_secret_value().partition("=")
        before = found.get(name, Caller(name=name))
        found[name] = before.model_copy(update={"keys": (*before.keys, Key.of(plain))})
    return tuple(found.values())


def check_model(caller: Caller, model: str, asked: str) -> None:
    """`asked` is the caller's name for it, which may be an alias. Raises ModelNotFound."""
    if not caller.may_ask(model):
        raise ModelNotFound.named(asked)


def check_function(caller: Caller, function: str) -> None:
    """Raises FunctionNotAllowed."""
    if not caller.may_call(function):
        raise FunctionNotAllowed(f"This key may not call {function!r}: GET /v1/functions lists those that it may.")


def _is_foreign(headers: Mapping[bytes, bytes]) -> bool:
    """A browser says so of every request that a page of another site makes it send."""
    origin = headers.get(b"origin")
    return origin is not None and origin.partition(b"://")[2] != headers.get(b"host")


def _bearer(headers: Mapping[bytes, bytes]) -> bytes:
    scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" else b""
