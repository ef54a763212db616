"""Where the API runs: the one interface that every strategy works through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from operations.errors import WrongUse
from operations.inside import Inside
from operations.words import Colour, Picture, Shares, Unit


@dataclass(frozen=True, slots=True)
class Answers:
    """Requests that a colour's instances answered since some time in the past, and how many of them with a 5xx."""

    count: int
    failed: int

    def since(self, before: Answers) -> Answers:
        """What came after `before`; all of it, where the counting began again."""
        if self.count < before.count or self.failed < before.failed:
            return self
        return Answers(self.count - before.count, self.failed - before.failed)


class Platform(Protocol):
    """Each call does one thing, has a limit, may be made again, and raises an OperationError if it cannot be done.

    One that has a body here is for platforms without an edge of ours and a Prometheus beside it.
    """

    name: str

    def picture(self) -> Picture:
        """What stands now."""

    def answers(self) -> Mapping[Colour, Answers]:
        """What the edge counted; empty where it does not count."""
        return {}

    def ask_prometheus(self, path: str) -> str:
        """Its own Prometheus: a path with a query, and what it answers. WrongUse where it has none of its own."""
        raise WrongUse("which Prometheus? Say --prometheus")

    def fetch(self, version: str) -> None:
        """Make sure that there is such a version. Touches nothing that runs."""

    def replace(self, unit: Unit, version: str) -> None:
        """Run this version there instead. May return before it is ready."""

    def stop(self, unit: Unit) -> None:
        """End it."""

    def smoke(self, unit: Unit) -> None:
        """Try the unit itself, past the edge."""

    def drain(self, unit: Unit, drained: bool) -> None:
        """Send it nothing new, or take that back. Nothing to do where the orchestrator drains what it replaces."""

    def scaling(self) -> str | None:
        """What adds instances when there is more to do, in words; empty if nothing does; None where nothing could."""

    def inside(self) -> Inside | None:
        """The way in for those who look closer; None where there is none yet."""
        return None

    def share(self, shares: Shares, *, force: bool = False) -> None:
        """Split the requests. Without `force`, refused where a colour that is to get some could not answer."""
