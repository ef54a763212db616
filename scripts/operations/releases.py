"""What has to outlive a run: which version can be gone back to, and the change under way."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from operations.errors import CannotAsk
from operations.words import Colour, Picture, picture_from


@dataclass(frozen=True, slots=True)
class Release:
    """A version that served, where, and whether it was left by a switch (or replaced in its place)."""

    colour: Colour
    version: str


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A change that has begun and not ended. `before` is what has to be put back if it never does."""

    who: str
    what: str
    to: str
    since: str
    step: str
    before: Picture


@dataclass(frozen=True, slots=True)
class Releases:
    """`previous` is None before the first deploy and after a rollback: there is nothing to go back to."""

    serving: Release | None = None
    previous: Release | None = None
    under_way: UnderWay | None = None


class ReleasesFile:
    """Written whole and in one go: a run that is killed leaves either what was or what is."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Releases:
        """Raises CannotAsk if the file is broken."""
        try:
            told: dict[str, Any] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return Releases()
        except (OSError, ValueError) as error:
            raise CannotAsk(f"{self._path} cannot be read: {error}") from None
        try:
            return Releases(_release(told["serving"]), _release(told["previous"]), _under_way(told["under_way"]))
        except (KeyError, TypeError) as error:
            raise CannotAsk(f"{self._path} is not what a run writes: {error!r}") from None

    def write(self, releases: Releases) -> None:
        """It is on the disk when this returns."""
        told = asdict(releases)
        if releases.under_way is not None:
            told["under_way"]["before"] = releases.under_way.before.as_json()
        beside = self._path.with_suffix(".new")
        with beside.open("w") as file:
            json.dump(told, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)

    def step(self, says: str) -> None:
        """Note the step that is taken next."""
        releases = self.read()
        if releases.under_way is not None:
            self.write(replace(releases, under_way=replace(releases.under_way, step=says)))


def _release(told: dict[str, Any] | None) -> Release | None:
    return Release(**told) if told else None


def _under_way(told: dict[str, Any] | None) -> UnderWay | None:
    return UnderWay(**{**told, "before": picture_from(told["before"])}) if told else None
