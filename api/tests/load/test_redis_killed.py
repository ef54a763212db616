"""Redis dies, comes back and falls silent under load: no request notices."""

import asyncio
import itertools
from collections.abc import Callable

import pytest

from tests.figures import Figures
from tests.gateway import Gateway
from tests.load.conftest import Pool
from tests.load.gauges import Reading
from tests.load.traffic import WELL, Traffic, outcomes, quantile
from tests.servers import RedisServer

RATE = 50

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


async def test_nothing_fails(pool: Pool, redis_server: RedisServer, figures: Figures) -> None:
    pool.start()
    gateway = pool.gateway(pool.settings(redis_url=redis_server.url))
    blows: dict[str, Callable[[], None]] = {
        "dead": redis_server.kill,
        "back": redis_server.start,
        "frozen": redis_server.freeze,
        "thawed": redis_server.thaw,
    }
    async with Traffic(gateway.url) as traffic:
        phases = {"up": await traffic.flow(RATE, 4)}
        assert Reading(gateway.url).sum("store_up") == 1
        for number, (phase, blow) in enumerate(blows.items(), 1):
            await asyncio.to_thread(blow)
            phases[phase] = await traffic.flow(RATE, 3)
            await asyncio.to_thread(wait_for_store, gateway, number)
            assert Reading(gateway.url).sum("store_up") == (phase in ("back", "thawed"))
            phases[phase] += await traffic.flow(RATE, 2)
        results = {phase: await asyncio.gather(*tasks) for phase, tasks in phases.items()}

    assert outcomes(itertools.chain(*results.values())).keys() == {WELL}
    assert store_moves(gateway) == [False, True, False, True]
    assert not gateway.stray
    figures(requests=sum(map(len, results.values())))
    figures(**{f"p99_s_{name}": quantile((each.seconds for each in phase), 0.99) for name, phase in results.items()})


def store_moves(gateway: Gateway) -> list[bool]:
    return [line["up"] for line in tuple(gateway.lines) if line["event"] == "store moved"]


def wait_for_store(gateway: Gateway, moves: int) -> None:
    """Until it was told so often that the store went or came."""
    gateway.wait_for(lambda line: line["event"] == "store moved" and len(store_moves(gateway)) >= moves)
