"""The checklist, in its order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from operations.errors import CannotAsk, OperationError, StepFailed, TookTooLong, WrongUse
from operations.readiness import (
    alerts,
    dashboards,
    doors,
    fallback,
    instances,
    load,
    rehearsals,
    secrets,
    tls,
    watching,
)
from operations.readiness.finding import NotApplicable, Seen
from operations.readiness.ground import Ground

CHECKS: dict[str, Callable[[Ground], Seen]] = {
    "instances": instances.enough,
    "balancer": instances.ejected,
    "tls": tls.versions,
    "certificate": tls.certificate,
    "redirect": tls.redirect,
    "hsts": tls.hsts,
    "closed": doors.closed,
    "keys": doors.keys,
    "rate limit": doors.rates,
    "secrets": secrets.files,
    "environment": secrets.environments,
    "alerts": alerts.rules,
    "receivers": alerts.receivers,
    "scrapes": watching.scrapes,
    "redis": watching.store,
    "dashboards": dashboards.present,
    "rollback": rehearsals.rollback,
    "smoke": rehearsals.smoke,
    "autoscaling": instances.scaled,
    "fallback": fallback.proven,
    "coverage": rehearsals.coverage,
    "load": load.held,
}


def chosen(names: Iterable[str]) -> list[str]:
    """Those, in the list's order; of no names, all. Raises WrongUse."""
    wanted = list(names)
    if unknown := set(wanted) - set(CHECKS):
        raise WrongUse(f"no check is called {', '.join(sorted(unknown))}; there are: {', '.join(CHECKS)}")
    return [name for name in CHECKS if name in wanted or not wanted]


def looked(ground: Ground, names: Iterable[str]) -> Iterator[tuple[str, Seen]]:
    """What each finds. What cannot be asked fails. Raises Interrupted, and what could not be put back."""
    for name in names:
        ground.site.patience.interrupts.check()
        yield name, _seen(ground, name)


def _seen(ground: Ground, name: str) -> Seen:
    try:
        return CHECKS[name](ground)
    except NotApplicable as why:
        return Seen("not applicable", "", str(why))
    except (CannotAsk, StepFailed, TookTooLong) as error:
        return Seen("fail", "", _short(error))
    except (OSError, ValueError, LookupError, TypeError) as error:  # what came is not what was asked for
        return Seen("fail", "", f"the answer makes no sense: {error!r:.300}")


def _short(error: OperationError) -> str:
    text = " ".join(str(error).split())
    return text if len(text) < 500 else f"{text[:250]} ... {text[-250:]}"
