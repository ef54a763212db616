"""Putting everything back: after a failure, an interruption, or a run that was killed."""

from __future__ import annotations

from collections.abc import Callable

from operations.errors import OperationError
from operations.moves import await_ready, let_in, shift, take_out
from operations.site import Site
from operations.telling import tell
from operations.words import Picture, Unit


def restore(site: Site, before: Picture) -> list[str]:
    """Make things as they were, the traffic first. Whatever cannot be put back is told, and the rest still is."""
    problems: list[str] = []

    def tried(work: Callable[[], None]) -> None:
        try:
            work()
        except OperationError as error:
            if error.code > 128:
                raise
            tell(f"    not put back: {error}")
            problems.append(str(error))

    stands = site.see()
    if stands.shares != before.shares:
        tried(lambda: shift(site, before.shares, force=True))
    for was in sorted(before.units, key=lambda unit: _turn(before, unit, stands.unit(unit.name))):
        tried(lambda was=was: _put_back(site, was, stands.unit(was.name)))  # type: ignore[misc]  # mypy knows no default
    return problems


def _turn(before: Picture, was: Unit, stands: Unit) -> tuple[bool, bool, bool]:
    """Those that serve come first; of them those that need no replacement, then those that get nothing just now.

    Else the only one that still answers might be the first to be taken out.
    """
    answers = stands.ready and not stands.drained
    return before.shares[was.colour] == 0, stands.version != was.version, answers


def _put_back(site: Site, was: Unit, stands: Unit) -> None:
    if not was.runs:
        _stop(site, was, stands)
    elif stands.version != was.version or (was.ready and not stands.ready):
        _run_again(site, was, stands)
    elif stands.drained and not was.drained:
        let_in(site, was)


def _run_again(site: Site, was: Unit, stands: Unit) -> None:
    _emptied(site, stands)
    site.step(f"{was.name}: put {was.version} back")
    site.platform.replace(was, was.version)
    if was.ready:
        await_ready(site, (was,), was.version)
    if not was.drained:
        let_in(site, was)


def _stop(site: Site, was: Unit, stands: Unit) -> None:
    if stands.runs:
        _emptied(site, stands)
        site.step(f"{was.name}: stop it")
        site.platform.stop(was)
    if (stands.runs or stands.drained) and not was.drained:
        let_in(site, was)


def _emptied(site: Site, unit: Unit) -> None:
    """What it still holds at the limit is longer than a stream may be, and is left to the instance's own drain."""
    if not unit.runs:
        return
    try:
        take_out(site, unit)
    except OperationError as error:
        if error.code > 128:
            raise
        tell(f"    {error}")
