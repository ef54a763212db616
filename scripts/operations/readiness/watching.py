"""Everything is watched: Prometheus reads each job, and every instance reaches Redis."""

from __future__ import annotations

from collections import Counter

from operations.readiness.finding import NotApplicable, Seen, judged
from operations.readiness.ground import Ground

READ_S = 20.0
"""Until Prometheus has read again what the checks before this one stopped, and ran again."""


def scrapes(ground: Ground) -> Seen:
    """As Prometheus reads now; with --disruptive, as it does soon."""
    patience = ground.site.patience
    until = patience.clock() + (READ_S if ground.wanted.disruptive else 0.0)
    while (seen := _read(ground)).verdict == "fail" and patience.clock() < until:
        patience.pause(1)
    return seen


def _read(ground: Ground) -> Seen:
    """A slot of the idle colour may be down; of each job one has to be up, and of ours as many as serve."""
    targets = ground.prometheus("/api/v1/targets?state=active")["activeTargets"]
    every = Counter(str(each["labels"]["job"]) for each in targets)
    up = Counter(str(each["labels"]["job"]) for each in targets if each["health"] == "up")
    wrong = [f"nothing of {job} is up" for job in every if not up[job]]
    serving = len(ground.serving()) if ground.site.platform.inside() else 0
    wrong += [f"{up['api']} instances are read, and {serving} serve"] if up["api"] < serving else []
    wrong += [] if every else ["nothing is read"]
    well = ", ".join(f"{job} {up[job]} of {count}" for job, count in sorted(every.items()))
    return judged("what Prometheus reads: `up` by job", wrong, well)


def store(ground: Ground) -> Seen:
    """An instance without a shared store says that it is up, so somebody else has to say that there is one."""
    if not (watched := ground.values("redis_up")):
        raise NotApplicable("no Redis is watched by Prometheus: is this one instance alone?")
    reached = ground.values("penstock_store_up")
    wrong = ["Redis is down"] if min(watched) != 1 else []
    wrong += [f"{reached.count(0)} of {len(reached)} instances do not reach it"] if 0 in reached else []
    wrong += [] if reached else ["no instance says whether it reaches it"]
    return judged("redis_up, and penstock_store_up of each instance", wrong, f"up; {len(reached)} instances reach it")
