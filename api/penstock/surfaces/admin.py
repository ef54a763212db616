"""What operators see and do: the targets, their breakers, who takes part."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, ValidationError
from structlog.typing import FilteringBoundLogger

from penstock.errors import InvalidRequest
from penstock.settings.parts import Replica
from penstock.surfaces.standing import Standing, standing_of
from penstock.upstream.roster import Roster
from penstock.upstream.target import Target


class TargetCard(Standing):
    url: str
    models: list[str]


class TargetList(BaseModel):
    data: list[TargetCard]


class Joining(BaseModel):
    """A replica that joins a model's pool."""

    model_config = ConfigDict(extra="forbid")

    model: str
    url: str
    id: str = ""
    weight: float = 1.0


class Admin:
    """The routes under /admin/targets. `drained` hears of each drain and undrain, to tell the other instances."""

    def __init__(self, roster: Roster, log: FilteringBoundLogger, drained: Callable[[Target], None]) -> None:
        self._roster = roster
        self._log = log
        self._drained = drained
        self.router = router = APIRouter(prefix="/admin/targets", tags=["admin"])
        router.get("")(self.targets)
        router.post("", status_code=201)(self.join)
        router.delete("/{name}", status_code=204)(self.leave)
        router.post("/{name}/breaker/reset")(self.reset)
        router.post("/{name}/drain")(self.drain)
        router.post("/{name}/undrain")(self.undrain)

    async def targets(self) -> TargetList:
        """Every target and how it stands."""
        return TargetList(data=[_card(target, self._roster) for target in self._roster.targets.values()])

    async def join(self, joining: Joining) -> TargetCard:
        """Let a replica join, on this instance and until the settings are read again."""
        try:
            replica = Replica(url=joining.url, id=joining.id, weight=joining.weight)
        except ValidationError as error:
            raise InvalidRequest(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        self._roster.join(joining.model, replica)
        return self._done("join", replica.name)

    async def leave(self, name: str) -> None:
        """Let a replica leave, on this instance and until the settings are read again."""
        self._roster.leave(name)
        self._log.info("admin", action="leave", target=name)

    async def reset(self, name: str) -> TargetCard:
        """Close a target's breaker, whatever it saw."""
        self._roster.target(name).breaker.reset()
        return self._done("breaker reset", name)

    async def drain(self, name: str) -> TargetCard:
        """Send a target nothing new, on every instance; what is open there goes on."""
        return self._set_drained(name, drained=True)

    async def undrain(self, name: str) -> TargetCard:
        """Take a drain back."""
        return self._set_drained(name, drained=False)

    def _set_drained(self, name: str, *, drained: bool) -> TargetCard:
        target = self._roster.target(name)
        target.drained = drained
        self._drained(target)
        return self._done("drain" if drained else "undrain", name)

    def _done(self, action: str, name: str) -> TargetCard:
        self._log.info("admin", action=action, target=name)
        return _card(self._roster.target(name), self._roster)


def _card(target: Target, roster: Roster) -> TargetCard:
    seats = [(pool, seat) for pool in roster.models for seat in (*pool.replicas, *pool.clouds)]
    return TargetCard(
        **standing_of(target).model_dump(),
        url=target.url,
        models=[pool.name for pool, seat in seats if seat.target is target],
    )
