"""Are there enough instances, does the balancer take one out that ends, and what adds more?"""

from __future__ import annotations

import time

from operations.inside import Inside
from operations.readiness.disturbing import disturbed, under_load
from operations.readiness.finding import NotApplicable, Seen, judged
from operations.readiness.ground import Ground, listed

OUT_S = 5.0
CHECK_S = "1"


def enough(ground: Ground) -> Seen:
    _units(ground)
    names = [unit.name for unit in ground.serving()]
    wrong = [] if len(names) > 1 else [f"{len(names)} can take requests: {listed(names)}"]
    return judged("which instances get requests, are ready and not drained", wrong, listed(names))


def ejected(ground: Ground) -> Seen:
    """By what the edge sees now; with --disruptive, by stopping one under load."""
    inside = _units(ground)
    if ground.wanted.disruptive:
        return _stopped(ground, inside)
    checks = inside.environments().get("edge", {}).get("EDGE_CHECK_INTERVAL_S", CHECK_S)
    finds = inside.peers()
    picture = ground.picture()
    serving = {unit.name for unit in picture.units if picture.shares[unit.colour]}
    well, out = ({name for name, up in finds.items() if up is wanted} for wanted in (True, False))
    wrong = [f"out: {listed(serving & out)}"] if serving & out else []
    idle = f"; out, and getting nothing: {listed(out)}" if out else ""
    return judged("the edge's own view of its instances", wrong, f"a check every {checks} s; in: {listed(well)}{idle}")


def scaled(ground: Ground) -> Seen:
    scaling = ground.site.platform.scaling()
    if scaling is None:
        raise NotApplicable(f"{ground.site.platform.name} has a fixed number of instances")
    return judged("what adds instances", [] if scaling else ["nothing does"], scaling)


def _units(ground: Ground) -> Inside:
    """Raises NotApplicable where a unit is a whole colour, which must not be stopped to see what happens."""
    found = ground.site.platform.inside()
    if found is None:
        raise NotApplicable(f"a unit on {ground.site.platform.name} is a whole colour: look by hand")
    return found


def _stopped(ground: Ground, inside: Inside) -> Seen:
    serving = ground.serving()
    if len(serving) < 2:
        return Seen("fail", "stop an instance under load", f"only {len(serving)} serves: it would be the last")
    unit = serving[0]
    asked = f"stop {unit.name} under {ground.wanted.load_rate:g} requests a second, and run it again"
    with disturbed(ground.site), under_load(ground) as load:
        ground.site.step(f"{unit.name}: stop it")
        ground.site.platform.stop(unit)
        stopped = time.monotonic()
        still = f"the edge still sends requests to {unit.name}"
        ground.site.patience.until("out", lambda: still if inside.peers()[unit.name] else "", OUT_S, 0.1)
        out_s = time.monotonic() - stopped
        ground.site.patience.pause(1)
    sent, lost = len(load.outcome.samples), len(load.outcome.samples) - load.outcome.count("ok")
    wrong = [f"{lost} of {sent} requests lost: {load.outcome.summary()['how']}"] if lost else []
    return judged(asked, wrong, f"out {out_s:.1f} s after it had stopped, back again; none of {sent} requests lost")
