"""What operators see and do about callers: /admin/keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from structlog.typing import FilteringBoundLogger

from penstock.callers import edits
from penstock.callers.book import BookUnreadable, Edit
from penstock.callers.caller import Allowances, Caller, Key
from penstock.callers.follow import Follower
from penstock.errors import CallersAway, InvalidRequest

LONGEST_S = 100 * 365 * 86400
"""A moment further away may be none that a calendar has."""


class CallerList(BaseModel):
    data: list[Caller]


class NewKey(BaseModel):
    """A key as it was made. It is shown this once, and kept nowhere."""

    key: str
    id: str
    caller: str


class Making(Allowances):
    """A caller, and how long its first key opens."""

    name: str
    ends_in_s: float | None = Field(None, gt=0, le=LONGEST_S)


class Rotating(BaseModel):
    model_config = ConfigDict(extra="forbid")

    overlap_s: float = Field(86400, ge=0, le=LONGEST_S)
    ends_in_s: float | None = Field(None, gt=0, le=LONGEST_S)


class KeysAdmin:
    """The routes under /admin/keys. What is done here is in the book, and on this instance, when it is answered."""

    def __init__(self, follower: Follower, log: FilteringBoundLogger) -> None:
        self._follower = follower
        self._log = log
        self.router = router = APIRouter(prefix="/admin/keys", tags=["admin"])
        router.get("")(self.callers)
        router.post("", status_code=201)(self.make)
        router.patch("/callers/{name}")(self.change)
        router.post("/callers/{name}/rotate", status_code=201)(self.rotate)
        router.delete("/callers/{name}", status_code=204)(self.remove)
        router.delete("/{key}", status_code=204)(self.revoke)

    async def callers(self) -> CallerList:
        """Every caller, what it may do, and its keys by their ids and hashes."""
        with _away_told():
            return CallerList(data=list(await self._follower.read()))

    async def make(self, making: Making) -> NewKey:
        """Add a caller, and show its first key."""
        now = datetime.now(UTC)
        plain, key = Key.make(now, _end(now, making.ends_in_s))
        try:
            caller = Caller.model_validate(making.model_dump(exclude={"ends_in_s"}) | {"keys": (key,)})
        except ValidationError as error:
            raise InvalidRequest(edits.said_of(error)) from None
        await self._edit(lambda callers: edits.added(callers, caller), "make", caller.name)
        return NewKey(key=plain, id=key.id, caller=caller.name)

    async def change(self, name: str, allowances: Allowances) -> Caller:
        """Give a caller other allowances; those that are not named stay."""
        fields = allowances.model_dump(exclude_unset=True)
        after = await self._edit(lambda callers: edits.changed(callers, name, fields), "change", name)
        return edits.found(after, name)

    async def rotate(self, name: str, rotating: Rotating) -> NewKey:
        """Make a caller a new key; its old ones open for `overlap_s` more."""
        now = datetime.now(UTC)
        plain, key = Key.make(now, _end(now, rotating.ends_in_s))
        overlap = timedelta(seconds=rotating.overlap_s)
        await self._edit(lambda callers: edits.rotated(callers, name, key, now, overlap), "rotate", name)
        return NewKey(key=plain, id=key.id, caller=name)

    async def remove(self, name: str) -> None:
        """Close all keys of a caller at once, and forget it."""
        await self._edit(lambda callers: edits.removed(callers, name), "remove", name)

    async def revoke(self, key: str) -> None:
        """Close one key at once."""
        await self._edit(lambda callers: edits.revoked(callers, key), "revoke", key)

    async def _edit(self, edit: Edit, action: str, subject: str) -> edits.Callers:
        with _away_told():
            after = await self._follower.write(edit)
        self._log.info("keys changed", action=action, subject=subject)
        return after


@contextmanager
def _away_told() -> Iterator[None]:
    """Raises CallersAway for a book that cannot be read or written."""
    try:
        yield
    except BookUnreadable as error:
        raise CallersAway(str(error), retry_after=5) from None


def _end(now: datetime, after_s: float | None) -> datetime | None:
    return None if after_s is None else now + timedelta(seconds=after_s)
