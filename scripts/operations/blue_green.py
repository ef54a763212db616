"""The idle colour is brought up beside the one that serves; then the requests go there, all at once."""

from __future__ import annotations

from operations.moves import bring_up, shift
from operations.releases import Release
from operations.site import Site
from operations.watch import Watch
from operations.words import Picture, all_to, other


def blue_green(site: Site, before: Picture, version: str, watch_s: float) -> Release:
    """The old colour is kept warm: going back to it is a switch."""
    colour = other(before.serving)
    units = before.of(colour)
    bring_up(site, units, version)
    watch = Watch(site, colour)
    watch.over(units)
    shift(site, all_to(colour))
    site.step(f"watch {colour} for {watch_s:g} s")
    watch.lasting(watch_s)
    return Release(colour, version)
