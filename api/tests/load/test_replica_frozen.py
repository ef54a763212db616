"""A replica stops in its tracks, while its kernel goes on accepting connections for it."""

import asyncio
import time
from collections import Counter

import pytest

from tests.figures import Figures
from tests.load.conftest import BRISK, Pool
from tests.load.events import count_moves, wait_for_open
from tests.load.gauges import Reading
from tests.load.traffic import WELL, Ended, Traffic, outcomes, quantile

RATE = 50

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


async def test_each_request_meets_it_at_most_once(pool: Pool, figures: Figures) -> None:
    pool.start()
    gateway = pool.gateway(pool.settings(fallback=False, timeouts=BRISK))
    frozen = pool.name(0)
    async with Traffic(gateway.url, max_tokens=32) as traffic:
        before = await traffic.flow(RATE, 4)
        frozen_at = time.time()
        pool.replicas[0].freeze()
        after = await traffic.flow(RATE, 2)
        opened_at = await asyncio.to_thread(wait_for_open, gateway, frozen)
        after += await traffic.flow(RATE, 2)  # those that were there when it opened have run into their limits
        attempts = Reading(gateway.url).sum("attempts_total", target=frozen)
        later = await traffic.flow(RATE, 12)
        first, then, last = [await asyncio.gather(*tasks) for tasks in (before, after, later)]
    attempts_when_open = Reading(gateway.url).sum("attempts_total", target=frozen) - attempts
    probes = count_moves(gateway, "half-open", frozen)
    pool.replicas[0].thaw()
    met = Counter(request["id"] for request in pool.replicas[0].state()["recent"])

    assert outcomes(result for result in first if not result.stream).keys() == {WELL}
    broken = [result for result in first if result.ended is not Ended.COMPLETE]
    assert {result.ended for result in broken} <= {Ended.SAID_BROKEN}
    assert outcomes(then + last).keys() == {WELL}
    assert max(result.attempts for result in then + last) == 2
    assert max(met.values()) == 1
    assert attempts_when_open <= probes
    assert not gateway.stray
    figures(
        requests=len(first + then + last),
        streams_broken_and_told=len(broken),
        s_to_breaker_open=opened_at - frozen_at,
        met_it_before_it_opened=sum(result.attempts > 1 for result in then),
        attempts_at_it_when_open=attempts_when_open,
        its_probes=probes,
        p99_s_before=quantile((result.seconds for result in first), 0.99),
        p99_s_first_4_s=quantile((result.seconds for result in then), 0.99),
        p99_s_then=quantile((result.seconds for result in last), 0.99),
    )
