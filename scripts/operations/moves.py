"""What the strategies are made of: take a unit out, replace it, prove it, let it in."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from operations.site import Site
from operations.words import Picture, Shares, Unit


def swap(site: Site, unit: Unit, version: str) -> None:
    """A unit that serves: drained, replaced, proven, let in again."""
    take_out(site, unit)
    site.step(f"{unit.name}: replace {unit.version or 'nothing'} by {version}")
    site.platform.replace(unit, version)
    prove(site, (unit,), version)
    let_in(site, unit)


def bring_up(site: Site, units: Iterable[Unit], version: str) -> None:
    """Units that do not serve, all at once: none gets a request before all are proven."""
    units = tuple(units)
    for unit in units:
        if unit.runs:
            take_out(site, unit)
        else:
            site.step(f"{unit.name}: drain it, before it is there")
            site.platform.drain(unit, True)
    for unit in units:
        if unit.version == version and unit.ready:
            site.step(f"{unit.name}: runs {version} already")
        else:
            site.step(f"{unit.name}: start {version}")
            site.platform.replace(unit, version)
    prove(site, units, version)
    for unit in units:
        let_in(site, unit)


def take_out(site: Site, unit: Unit) -> None:
    """Send it nothing new, and wait for what it holds. Raises TookTooLong with what is still open."""
    site.step(f"{unit.name}: drain it, and wait for what it holds")
    site.platform.drain(unit, True)
    site.patience.until(f"{unit.name}: drained", lambda: _held(site, unit), site.limits.drain_s)


def prove(site: Site, units: Iterable[Unit], version: str) -> None:
    """Wait until they are ready with this version, then smoke-test each."""
    units = tuple(units)
    await_ready(site, units, version)
    for unit in units:
        site.step(f"{unit.name}: smoke test")
        site.platform.smoke(unit)


def await_ready(site: Site, units: Iterable[Unit], version: str) -> None:
    for unit in units:
        site.step(f"{unit.name}: wait until it is ready")
        site.patience.until(f"{unit.name}: ready", _asked(site, unit, version), site.limits.ready_s)


def let_in(site: Site, unit: Unit) -> None:
    site.step(f"{unit.name}: let requests in")
    site.platform.drain(unit, False)


def shift(site: Site, shares: Shares, *, force: bool = False) -> None:
    site.step("shares: " + ", ".join(f"{colour} {share} %" for colour, share in shares.items()))
    site.platform.share(shares, force=force)


def _held(site: Site, unit: Unit) -> str:
    picture, why = site.look()
    if picture is None:
        return why
    held = picture.unit(unit.name).in_flight
    return f"it still holds {held} requests" if held else ""


def _asked(site: Site, unit: Unit, version: str) -> Callable[[], str]:
    def wanting() -> str:
        picture, why = site.look()
        return why if picture is None else _unready(picture, unit.name, version)

    return wanting


def _unready(picture: Picture, name: str, version: str) -> str:
    unit = picture.unit(name)
    if unit.version != version:
        return f"it runs {unit.version or 'nothing'}, not {version}"
    return "" if unit.ready else f"{version} runs, and is not ready"
