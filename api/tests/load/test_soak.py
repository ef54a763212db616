"""Many requests with faults among the targets' answers, and with clients that leave: nothing is left over at the end.

PENSTOCK_SOAK is how many; 20,000 if it is not set. Far fewer do not warm up the process in their first two tenths.
"""

import os
import random
import time

import pytest

from tests.figures import Figures
from tests.gateway import Line
from tests.load.conftest import CLOUD_KEY, Pool
from tests.load.gauges import Reading
from tests.load.held import TellingGateway, least_held
from tests.load.process import Process
from tests.load.traffic import WELL, Result, Traffic, outcomes
from tests.servers import Simulator

COUNT = int(os.environ.get("PENSTOCK_SOAK") or 20_000)
AT_ONCE = 64
LIMITS = {"connect_s": 3, "first_event_s": 3, "between_events_s": 3, "total_s": 30, "token_s": 0.02}
"""Longer than a busy machine lets a replica wait, so that only the faults set here are met."""
LEAVERS = 0.08
"""A twentieth of all leaves in time: the others' answers are complete before."""
PARTS = 10
WARM = 1
"""After this part the process is warm: it has met every kind of fault, and filled what is filled once."""

FAULTS: tuple[tuple[str, float, dict[str, float]], ...] = (
    ("slow", 0.015, {"factor": 5, "seconds": 0.1}),
    ("silent", 0.005, {}),
    ("hang", 0.005, {}),
    ("reset", 0.01, {}),
    ("cut", 0.01, {}),
    ("stall", 0.005, {}),
    ("malformed", 0.005, {}),
    ("no_done", 0.005, {}),
    ("no_finish", 0.005, {}),
    ("error_event", 0.005, {"after_events": 0}),
    ("error_event", 0.005, {"after_events": 3}),
    ("status", 0.01, {"status": 500}),
    ("status", 0.01, {"status": 429, "retry_after": 1}),
    ("html200", 0.005, {}),
)
"""Each with the share of a replica's requests that it strikes: a tenth in all."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + COUNT // 50)]


def set_faults(replica: Simulator, seed: int) -> None:
    for number, (kind, share, options) in enumerate(FAULTS):
        replica.fault(kind, probability=share, seed=1000 * seed + number, **options)


async def test_nothing_is_left_over(pool: Pool, figures: Figures) -> None:
    pool.start("--speed", "10")
    with TellingGateway(pool.folder, pool.settings(timeouts=LIMITS), env=CLOUD_KEY) as gateway:
        before = least_held(gateway, seconds=3)
        for seed, replica in enumerate(pool.replicas):
            set_faults(replica, seed)
        results, rss = await soak(gateway, figures)
        after = least_held(gateway, like=before)
        in_flight = Reading(gateway.url).by("in_flight", "target")
        complained = complaints(gateway)

    ends = outcomes(results)
    figures(**{f"ended {end}": count for end, count in ends.items()})
    figures(before=str(before), after=str(after), rss_mib=", ".join(f"{each / 2**20:.1f}" for each in rss))
    assert ends.keys() <= {WELL, "LEFT 0", "SAID_BROKEN 200 stream_broken", "SAID_BROKEN 200 upstream_timeout"}
    assert in_flight == dict.fromkeys((*map(pool.name, range(3)), "cloud"), 0)
    assert after == before
    assert rss[-1] < 1.05 * rss[WARM]
    assert not complained


async def soak(gateway: TellingGateway, figures: Figures) -> tuple[list[Result], list[int]]:
    """Sends the requests. Returns what became of them, and the resident bytes after each part."""
    process = Process(gateway.process.pid)
    rng = random.Random(1)
    results: list[Result] = []
    rss: list[int] = []
    began, cpu_s = time.monotonic(), process.cpu_s
    async with Traffic(gateway.url, clients=4) as traffic:
        for _ in range(PARTS):
            results += await traffic.rush(COUNT // PARTS, AT_ONCE, LEAVERS, rng)
            rss.append(process.rss_bytes)
    seconds, cpu_s = time.monotonic() - began, process.cpu_s - cpu_s
    reading = Reading(gateway.url)
    figures(
        requests=len(results),
        requests_per_second=len(results) / seconds,
        gateway_cpu_ms_per_request=1000 * cpu_s / len(results),
        gateway_share_of_a_core=cpu_s / seconds,
        overhead_p50_ms=1000 * reading.quantile("overhead_seconds", 0.5),
        overhead_p99_ms=1000 * reading.quantile("overhead_seconds", 0.99),
        attempts=str(reading.by("attempts_total", "verdict")),
        outcomes=str(reading.by("requests_total", "outcome", surface="chat")),
        from_the_cloud=sum(result.target == "cloud" for result in results),
    )
    return results, rss


def complaints(gateway: TellingGateway) -> list[Line | str]:
    """Lines that are no log, or that tell of a bug."""
    return [*gateway.stray, *(line for line in gateway.lines if line.get("level") == "error")]
