"""Which store a setting asks for, which table, which grants, and which ledger."""

from collections.abc import Callable
from typing import TypeVar

from penstock.settings import SettingsError
from penstock.settings.parts import STORE_SCHEMES
from penstock.state.grants import Grants
from penstock.state.guarded import GuardedStore
from penstock.state.guarded_grants import GuardedGrants
from penstock.state.ledger import Ledger
from penstock.state.memory import MemoryStore
from penstock.state.memory_grants import MemoryGrants
from penstock.state.memory_ledger import MemoryLedger
from penstock.state.store import Store
from penstock.state.table import Table

T = TypeVar("T")


def store_from_url(
    url: str,
    *,
    clock: Callable[[], float],
    on_change: Callable[[bool, str], None],
    deadline_s: float = 0.25,
    retry_s: float = 1.0,
) -> Store:
    """Memory for an empty URL, else Redis with memory behind it.

    Raises ValueError for a URL of another kind, and SettingsError for one with options that Redis's client cannot read.

    Nothing is connected yet: a Redis that is away at the start is a Redis that is away.
    """
    memory = MemoryStore(clock)
    if not url:
        return memory
    if not url.startswith(STORE_SCHEMES):
        raise ValueError(f"a store's URL begins with one of {', '.join(STORE_SCHEMES)}")  # the URL may hold a password
    from penstock.state.redis import RedisStore  # its client takes 6 MB, which most that start alone can save

    shared = _made(lambda: RedisStore(url, deadline_s))
    return GuardedStore(shared, memory, clock=clock, on_change=on_change, retry_s=retry_s)


def table_from_url(url: str, name: str) -> Table:
    """A table in Redis. Raises SettingsError; nothing is connected yet."""
    from penstock.state.redis import RedisTable

    return _made(lambda: RedisTable(url, name))


def grants_from_url(url: str, clock: Callable[[], float]) -> Grants:
    """This instance's own for an empty URL, else those in Redis with its own behind them. Raises SettingsError."""
    own = MemoryGrants(clock)
    if not url:
        return own
    from penstock.state.redis_grants import RedisGrants

    return GuardedGrants(_made(lambda: RedisGrants(url)), own, clock=clock)


def ledger_from_url(url: str) -> Ledger:
    """This instance's own for an empty URL, else the one in Redis. Raises SettingsError."""
    if not url:
        return MemoryLedger()
    from penstock.state.redis_ledger import RedisLedger

    return _made(lambda: RedisLedger(url))


def _made(make: Callable[[], T]) -> T:
    """What speaks to Redis. Raises SettingsError, which does not quote the URL as its client's errors do."""
    try:
        return make()
    except (ValueError, TypeError):
        raise SettingsError("redis_url has an option that cannot be used") from None
