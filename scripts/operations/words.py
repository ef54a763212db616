"""The words that every verb uses: colours, units, and what stands now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal, cast

Colour = Literal["blue", "green"]
Shares = dict[Colour, int]
COLOURS: tuple[Colour, Colour] = ("blue", "green")


def other(colour: Colour) -> Colour:
    return "green" if colour == "blue" else "blue"


def all_to(colour: Colour, percent: int = 100) -> Shares:
    """This many percent to the colour, the rest to the other."""
    shares: Shares = {"blue": 100 - percent, "green": 100 - percent}
    shares[colour] = percent
    return shares


@dataclass(frozen=True, slots=True)
class Unit:
    """What is replaced in one go: a slot under compose, a whole colour where an orchestrator replaces its instances.

    `version` is empty where nothing runs. `ready`: requests may be sent to it. `life` is another after each start.
    """

    name: str
    colour: Colour
    version: str
    ready: bool = False
    drained: bool = False
    in_flight: int = 0
    life: str = ""

    @property
    def runs(self) -> bool:
        return bool(self.version)


@dataclass(frozen=True, slots=True)
class Picture:
    """What runs, and who gets which share of the requests."""

    shares: Shares
    units: tuple[Unit, ...]

    @property
    def serving(self) -> Colour:
        return max(COLOURS, key=lambda colour: self.shares[colour])

    def of(self, colour: Colour) -> tuple[Unit, ...]:
        return tuple(unit for unit in self.units if unit.colour == colour)

    def unit(self, name: str) -> Unit:
        return next(unit for unit in self.units if unit.name == name)

    def version(self, colour: Colour) -> str:
        """The one that all of the colour's units run, or all of them joined by `+`; empty if nothing runs."""
        return "+".join(sorted({unit.version for unit in self.of(colour) if unit.runs}))

    def as_json(self) -> dict[str, object]:
        return {"shares": dict(self.shares), "units": [asdict(unit) for unit in self.units]}


def picture_from(told: Mapping[str, object]) -> Picture:
    """The opposite of `as_json`."""
    units = cast(Iterable[dict[str, object]], told["units"])
    return Picture(cast(Shares, told["shares"]), tuple(Unit(**each) for each in units))  # type: ignore[arg-type]
