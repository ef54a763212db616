"""The load that is planned for goes through: no error, and as quickly as was promised."""

from __future__ import annotations

import asyncio

from operations.readiness.disturbing import prepared
from operations.readiness.finding import NotApplicable, Seen, judged
from operations.readiness.ground import Ground

P99_S = 3.0
"""Where no plan is known."""


def held(ground: Ground) -> Seen:
    wanted = ground.wanted
    outcome = asyncio.run(prepared(ground, wanted.load_s).run())
    ground.site.patience.interrupts.check()
    told, most = outcome.summary(), _planned(ground)
    times = told["latency_s"]
    p99 = times.get("p99", 0.0) if isinstance(times, dict) else 0.0
    wrong = [f"{outcome.error_rate:.2%} failed: {told['how']}"] if outcome.error_rate else []
    wrong += [f"p99 {p99:.2f} s, and {most:g} s is planned"] if p99 > most else []
    wrong += (
        [f"our own p99 was late by {outcome.late_s:.2f} s, which is in it"] if p99 > most and not outcome.valid else []
    )
    wrong += [] if outcome.samples else ["nothing was sent"]
    asked = f"{wanted.load_rate:g} requests a second for {wanted.load_s:g} s, half of them streams"
    return judged(asked, wrong, f"{len(outcome.samples)} requests, none failed, p99 {p99:.2f} s of {most:g}")


def _planned(ground: Ground) -> float:
    try:
        found = ground.values("plan:penstock_request_seconds:p99")
    except NotApplicable:
        return P99_S
    return found[0] if found else P99_S
