"""What every check stands on: the deployment from outside and from within, and what was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from operations.errors import CannotAsk, StepFailed, WrongUse
from operations.inside import Inside
from operations.readiness.finding import NotApplicable
from operations.readiness.outside import Outside
from operations.site import Site
from operations.words import Picture, Unit


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: `disruptive` may stop an instance, use up a rate and switch the pool off."""

    disruptive: bool = False
    coverage: Path | None = None
    min_coverage: float = 0.8
    rehearsed_days: float = 30
    certificate_days: float = 14
    load_rate: float = 7
    load_s: float = 30
    model: str = ""


@dataclass(frozen=True)
class Ground:
    """`project` is the folder with the project's own files; `get` asks Prometheus."""

    site: Site
    outside: Outside
    get: Callable[[str], str]
    project: Path
    wanted: Wanted
    operator_key: str

    def picture(self) -> Picture:
        return self.site.platform.picture()

    def serving(self) -> list[Unit]:
        """The units that get requests and can take them."""
        picture = self.picture()
        return [unit for unit in picture.units if picture.shares[unit.colour] and unit.ready and not unit.drained]

    def one(self) -> Unit:
        """Raises CannotAsk if nothing serves."""
        serving = self.serving()
        if not serving:
            raise CannotAsk("nothing serves")
        return serving[0]

    @property
    def inside(self) -> Inside:
        """Raises NotApplicable where there is no way in."""
        found = self.site.platform.inside()
        if found is None:
            raise NotApplicable(f"{self.site.platform.name} has no way in yet: look by hand")
        return found

    @cached_property
    def model(self) -> str:
        return self.wanted.model or self.outside.models[0]

    def disruptive(self, why: str) -> None:
        """Raises NotApplicable where nothing may be disturbed."""
        if not self.wanted.disruptive:
            raise NotApplicable(f"only with --disruptive: {why}")

    def prometheus(self, path: str) -> Any:
        """The data of what it answers. Raises CannotAsk, or NotApplicable where none is known."""
        try:
            return json.loads(self.get(path))["data"]
        except WrongUse as error:
            raise NotApplicable(str(error)) from None
        except (StepFailed, OSError, ValueError, KeyError) as error:
            raise CannotAsk(f"Prometheus cannot be asked: {error}") from None

    def values(self, query: str) -> list[float]:
        """Of every series that it finds."""
        found = self.prometheus(f"/api/v1/query?query={quote(query)}")["result"]
        return [float(each["value"][1]) for each in found]

    def targets(self, unit: str) -> list[dict[str, Any]]:
        """Where requests can go, as an instance sees it."""
        told: list[dict[str, Any]] = json.loads(self.inside.ask(unit, "/admin/targets", key=self.operator_key))["data"]
        return told


def listed(names: Iterable[str], most: int = 8) -> str:
    """For a cell of a table."""
    ordered = sorted(names)
    more = f" and {len(ordered) - most} more" if len(ordered) > most else ""
    return ", ".join(ordered[:most]) + more
