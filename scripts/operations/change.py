"""A change of what serves, from the lock to the audit line: done whole, or put back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from operations.audit import now, who
from operations.errors import (
    NOT_PUT_BACK,
    Breach,
    CannotAsk,
    Interrupted,
    OperationError,
    StepFailed,
    TooLittleData,
    WrongUse,
)
from operations.releases import Release, Releases, UnderWay
from operations.restore import restore
from operations.site import Site
from operations.telling import tell
from operations.words import Picture


class NotPutBack(OperationError):
    """Something is not as it was. The next run tries again."""

    code = NOT_PUT_BACK


@dataclass(frozen=True, slots=True)
class Wanted:
    """A change as it was asked for. `goes_back`: what is left is not to be gone back to."""

    what: str
    to: str
    goes_back: bool = False


def change(site: Site, wanted: Wanted, work: Callable[[Picture], Release]) -> None:
    """Do the work and keep what it returns as what serves. Raises what went wrong, after everything is put back."""
    before = site.platform.picture()
    serves = Release(before.serving, before.version(before.serving))
    if not site.dry:
        under_way = UnderWay(who(), wanted.what, wanted.to, now(), "begin", before)
        site.releases.write(Releases(serves, site.releases.read().previous, under_way))
    began = time.monotonic()
    try:
        release = work(before)
    except (CannotAsk, WrongUse) as error:  # their codes say that nothing was touched, and now something was
        _undone(site, wanted, before, error, began)
        raise StepFailed(str(error)) from None
    except BaseException as error:  # a bug of ours must leave the traffic where it was too
        _undone(site, wanted, before, error, began)
        raise
    if not site.dry:
        site.releases.write(Releases(release, None if wanted.goes_back else serves))
    _audited(site, wanted, before, release.colour, "succeeded", "", began)
    tell(f"{'would be done' if site.dry else 'done'}: {wanted.what}: {release.version} serves, {release.colour}")


def repair(site: Site) -> bool:
    """Put back what a run that was killed left behind. Returns whether there was any."""
    left = site.releases.read().under_way
    if left is None:
        return False
    tell(f"{left.who}'s {left.what} of {left.since} ended in the middle of `{left.step}`: putting things back first")
    began = time.monotonic()
    wanted = Wanted(left.what, left.to)
    problems = restore(site, left.before)
    outcome = "not repaired" if problems else "repaired"
    _audited(site, wanted, left.before, left.before.serving, outcome, "; ".join(problems), began, begun_by=left.who)
    if problems:
        raise NotPutBack("; ".join(problems))
    site.ended()
    return True


def unchanged(site: Site, wanted: Wanted, why: str) -> None:
    """There is nothing to do."""
    picture = site.platform.picture()
    _audited(site, wanted, picture, picture.serving, "unchanged", why, time.monotonic())
    tell(why)


def _undone(site: Site, wanted: Wanted, before: Picture, error: BaseException, began: float) -> None:
    why = str(error) or repr(error)
    tell(f"{why}\nputting things back; Ctrl-C leaves that to the next run")
    site.patience.interrupts.undo()
    try:
        problems = restore(site, before)
    except Interrupted as second:
        problems = [f"putting back was {second}"]
    except OperationError as second:
        problems = [str(second)]
    whole = "; ".join([why, *problems])
    _audited(site, wanted, before, before.serving, _outcome(error), whole, began)
    if problems:
        raise NotPutBack(
            f"NOT PUT BACK: {'; '.join(problems)}. The next run tries again. It began with: {why}"
        ) from error
    site.ended()
    tell("everything is as it was")


def _outcome(error: BaseException) -> str:
    match error:
        case Interrupted():
            return "interrupted"
        case Breach():
            return "breach"
        case TooLittleData():
            return "too little data"
        case _:
            return "failed"


def _audited(
    site: Site,
    wanted: Wanted,
    before: Picture,
    colour: str,
    outcome: str,
    why: str,
    began: float,
    *,
    begun_by: str | None = None,
) -> None:
    line: dict[str, object] = {
        "when": now(),
        "who": who(),
        "what": wanted.what,
        "platform": site.platform.name,
        "from": before.version(before.serving),
        "to": wanted.to,
        "colour": colour,
        "outcome": outcome,
        "seconds": round(time.monotonic() - began, 1),
    }
    line |= {"why": why} if why else {}
    line |= {"begun_by": begun_by} if begun_by else {}
    if not site.dry:
        site.audit.write(line)
