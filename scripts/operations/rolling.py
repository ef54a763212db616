"""One unit at a time, in the colour that serves."""

from __future__ import annotations

from collections.abc import Callable

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
        well = (each for each in before.of(colour) if each.ready and not each.drained)
        others = [each.name for each in well if each.name != unit.name]
        site.patience.until("the others: ready", _away(site, others), site.limits.ready_s)
        swap(site, unit, version)
        watch.over([unit])
        site.step(f"watch what was replaced for {watch_s:g} s")
        watch.lasting(watch_s)
    return Release(colour, version)


def _away(site: Site, names: list[str]) -> Callable[[], str]:
    """Those that do not answer just now: while they do not, this one cannot be spared."""

    def wanting() -> str:
        picture, why = site.look()
        if picture is None:
            return why
        away = [name for name in names if not picture.unit(name).ready or picture.unit(name).drained]
        return f"{', '.join(away)} cannot take requests" if away else ""

    return wanting
