"""What says nothing about a replica's health opens no breaker: being busy, and a client's own mistake."""

import asyncio

import pytest

from tests.figures import Figures
from tests.load.conftest import Pool
from tests.load.events import moved
from tests.load.gauges import Reading
from tests.load.traffic import WELL, Traffic, outcomes

RATE = 50

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


async def test_everyone_is_busy(pool: Pool, figures: Figures) -> None:
    pool.start()
    gateway = pool.gateway()
    for each, wait_s in zip([*pool.replicas, pool.cloud], (2, 3, 4, 7), strict=True):
        assert each
        each.fault("status", status=429, retry_after=wait_s)
    async with Traffic(gateway.url) as traffic:
        results = await asyncio.gather(*await traffic.flow(RATE, 10))
        for each in (*pool.replicas, pool.cloud):
            assert each
            each.clear()
        after = await asyncio.gather(*await traffic.flow(RATE, 2))

    assert outcomes(results).keys() == {"ERROR_STATUS 429 upstream_busy"}
    assert {result.retry_after for result in results} == {"7"}
    assert not [line for line in gateway.lines if moved(line, "open")]
    assert outcomes(after).keys() == {WELL}
    assert {result.attempts for result in after} == {1}
    busy = Reading(gateway.url).sum("attempts_total", verdict="busy")
    figures(requests=len(results), attempts_for_each=busy / len(results))


async def test_everyone_is_busy_and_there_is_no_cloud(pool: Pool) -> None:
    pool.start()
    gateway = pool.gateway(pool.settings(fallback=False))
    for replica in pool.replicas:
        replica.fault("status", status=429, retry_after=3)
    async with Traffic(gateway.url) as traffic:
        results = await asyncio.gather(*await traffic.flow(RATE, 10))
    assert {(result.status, result.retry_after) for result in results} == {(429, "3")}
    assert not [line for line in gateway.lines if moved(line, "open")]


async def test_a_client_sends_only_what_is_too_long(pool: Pool, figures: Figures) -> None:
    pool.start("--max-model-len", "200")
    gateway = pool.gateway()
    async with (
        Traffic(gateway.url, prompt="Tell me of water. " * 200) as too_long,
        Traffic(gateway.url) as others,
    ):
        both = await asyncio.gather(too_long.flow(RATE, 10), others.flow(RATE, 10))
        refused, answered = [await asyncio.gather(*tasks) for tasks in both]

    assert outcomes(refused).keys() == {"ERROR_STATUS 400 context_length_exceeded"}
    assert outcomes(answered).keys() == {WELL}
    assert not [line for line in gateway.lines if moved(line, "open")]
    assert Reading(gateway.url).sum("attempts_total", verdict="refused") == len(refused)
    figures(refused=len(refused), answered_beside=len(answered))
