"""Back to the version that served before."""

from __future__ import annotations

from operations.moves import bring_up, shift
from operations.releases import Release
from operations.rolling import rolling
from operations.site import Site
from operations.words import Picture, all_to


def roll_back(site: Site, before: Picture, to: Release, watch_s: float) -> Release:
    """A switch, if it was left warm in the other colour; else it is brought up again there, or rolled in place."""
    units = before.of(to.colour)
    warm = all(unit.version == to.version and unit.ready and not unit.drained for unit in units)
    if to.colour != before.serving and warm:
        shift(site, all_to(to.colour))
        return to
    site.platform.fetch(to.version)
    if to.colour == before.serving:
        return rolling(site, before, to.version, watch_s)
    bring_up(site, units, to.version)
    shift(site, all_to(to.colour))
    return to
