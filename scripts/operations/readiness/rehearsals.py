"""What was tried before it is needed: the way back, a request of each kind, the tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from operations.errors import StepFailed
from operations.readiness.finding import NotApplicable, Seen, judged
from operations.readiness.ground import Ground

LINES = 10_000


def rollback(ground: Ground) -> Seen:
    days = ground.wanted.rehearsed_days
    since = datetime.now(UTC) - timedelta(days=days)
    done = [
        each for each in ground.site.audit.last(LINES) if (each["what"], each["outcome"]) == ("rollback", "succeeded")
    ]
    lately = [each for each in done if datetime.fromisoformat(str(each["when"])) > since]
    previous = ground.site.releases.read().previous
    kept = f"{previous.version} can be gone back to" if previous else "just now there is nothing to go back to"
    last = f"the last was at {done[0]['when']}" if done else "there was none"
    wrong = [] if lately else [f"none within {days:g} days, {last}; {kept}"]
    return judged("the audit, for a rollback that succeeded", wrong, f"{last}; {kept}")


def smoke(ground: Ground) -> Seen:
    unit = ground.one()
    asked = f"the smoke test, of {unit.name}"
    try:
        ground.site.platform.smoke(unit)
    except StepFailed as error:
        return Seen("fail", asked, str(error)[-500:])
    return Seen("pass", asked, "passed")


def coverage(ground: Ground) -> Seen:
    path, least = ground.wanted.coverage, ground.wanted.min_coverage
    if path is None:
        raise NotApplicable("no report was given: --coverage FILE")
    try:
        rate = float(ElementTree.parse(path).getroot().attrib["line-rate"])
    except (OSError, ElementTree.ParseError, KeyError, ValueError) as error:
        return Seen("fail", f"the line rate in {path}", f"it cannot be read: {error!r}")
    wrong = [f"{rate:.1%}, and {least:.0%} is asked for"] if rate < least else []
    return judged(f"the line rate in {path}", wrong, f"{rate:.1%}")
