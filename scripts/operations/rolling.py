"""One unit at a time, in the colour that serves."""

from __future__ import annotations

from operations.moves import let_in, swap
from operations.releases import Release
from operations.site import Site
from operations.watch import Watch
from operations.words import Picture


def rolling(site: Site, before: Picture, version: str, watch_s: float) -> Release:
    """Stops at the first that fails; the caller puts back."""
    colour = before.serving
    watch = Watch(site, colour)
    for unit in before.of(colour):
        if unit.version == version and unit.ready:
            if unit.drained:
                let_in(site, unit)
            continue
        swap(site, unit, version)
        watch.over([unit])
        site.step(f"watch what was replaced for {watch_s:g} s")
        watch.lasting(watch_s)
    return Release(colour, version)
