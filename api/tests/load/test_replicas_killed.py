"""Replicas die under load: the pool, then the cloud, then the pool again answer for them."""

import asyncio
import time

import pytest

from tests.figures import Figures
from tests.gateway import Gateway
from tests.load.conftest import Pool
from tests.load.events import count_moves, wait_for_open
from tests.load.gauges import Reading
from tests.load.traffic import WELL, Ended, Result, Traffic, outcomes, quantile

RATE = 50

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


async def test_one_then_all_then_back(pool: Pool, figures: Figures) -> None:
    pool.start()
    gateway = pool.gateway()
    async with Traffic(gateway.url, max_tokens=32) as traffic:
        await one_dies(pool, gateway, traffic, figures)
        await all_die(pool, gateway, traffic, figures)
        await they_come_back(pool, traffic, figures)
    assert not gateway.stray


async def one_dies(pool: Pool, gateway: Gateway, traffic: Traffic, figures: Figures) -> None:
    dead = pool.name(0)
    before = await traffic.flow(RATE, 4)
    killed_at = time.time()
    pool.replicas[0].kill()
    after = await traffic.flow(RATE, 1)
    opened_at = await asyncio.to_thread(wait_for_open, gateway, dead)
    attempts = Reading(gateway.url).sum("attempts_total", target=dead)
    after += await traffic.flow(RATE, 12)
    results, late = await asyncio.gather(*before), await asyncio.gather(*after)

    assert outcomes(result for result in results + late if not result.stream).keys() == {WELL}
    broken = [result for result in results if result.ended is not Ended.COMPLETE]
    assert {result.ended for result in broken} <= {Ended.SAID_BROKEN}
    assert outcomes(late).keys() == {WELL}
    attempts_when_open = Reading(gateway.url).sum("attempts_total", target=dead) - attempts
    probes = count_moves(gateway, "half-open", dead)
    assert attempts_when_open <= probes
    figures(
        one_dies_requests=len(results + late),
        one_dies_streams_broken_and_told=len(broken),
        one_dies_share_not_complete=len(broken) / len(results + late),
        one_dies_s_to_breaker_open=opened_at - killed_at,
        one_dies_attempts_at_it_when_open=attempts_when_open,
        one_dies_its_probes=probes,
        one_dies_p99_s_before=quantile((result.seconds for result in results), 0.99),
        one_dies_p99_s_after=quantile((result.seconds for result in late), 0.99),
    )


async def all_die(pool: Pool, gateway: Gateway, traffic: Traffic, figures: Figures) -> None:
    others = [pool.name(at) for at in (1, 2)]
    before = await traffic.flow(RATE, 1)
    probes_before = count_moves(gateway, "half-open")
    for replica in pool.replicas[1:]:
        replica.kill()
    after = await traffic.flow(RATE, 2)
    for other in others:
        await asyncio.to_thread(wait_for_open, gateway, other)
    late = await traffic.flow(RATE, 6)
    results = await asyncio.gather(*before)
    first, then = await asyncio.gather(*after), await asyncio.gather(*late)

    assert {result.ended for result in results} <= {Ended.COMPLETE, Ended.SAID_BROKEN}
    assert all(result.stream for result in results if result.ended is Ended.SAID_BROKEN)
    assert outcomes(first + then).keys() == {WELL}
    assert {result.target for result in first + then} == {"cloud"}
    assert max(result.attempts for result in first) <= 1 + len(pool.replicas)
    detours = [result for result in then if result.attempts > 1]
    assert len(detours) <= count_moves(gateway, "half-open") - probes_before
    figures(
        all_die_requests=len(results + first + then),
        all_die_attempts_first_2_s=spread(first),
        all_die_attempts_then=spread(then),
        all_die_p50_s_then=quantile((result.seconds for result in then), 0.5),
        all_die_p99_s_first_2_s=quantile((result.seconds for result in first), 0.99),
        all_die_p99_s_then=quantile((result.seconds for result in then), 0.99),
    )


async def they_come_back(pool: Pool, traffic: Traffic, figures: Figures) -> None:
    replicas = {pool.name(at) for at in range(len(pool.replicas))}
    starting = asyncio.create_task(asyncio.to_thread(pool.restart_all))
    results: list[Result] = []
    answering: set[str] = set()
    while answering != replicas:
        assert not starting.done() or time.monotonic() - starting.result() < 30
        second = await asyncio.gather(*await traffic.flow(RATE, 1))
        answering = {result.target for result in second}
        results += second
    figures(pool_back_whole_s=max(0.0, second[0].began - await starting))
    assert outcomes(results).keys() == {WELL}


def spread(results: list[Result]) -> str:
    """How many took how many attempts."""
    counts = {count: sum(result.attempts == count for result in results) for count in range(1, 6)}
    return ", ".join(f"{taken} with {count}" for count, taken in counts.items() if taken)
