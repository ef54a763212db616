"""The gateway itself stands still, as on a machine that is short of cores: it blames nobody else for it."""

import asyncio
import signal

import pytest

from tests.figures import Figures
from tests.load.conftest import BRISK, Pool
from tests.load.events import moved
from tests.load.traffic import WELL, Traffic, outcomes

RATE = 50

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]


async def test_a_pause_longer_than_every_limit_of_the_targets(pool: Pool, figures: Figures) -> None:
    pool.start()
    gateway = pool.gateway(pool.settings(fallback=False, timeouts=BRISK))
    async with Traffic(gateway.url, max_tokens=32) as traffic:
        tasks = await traffic.flow(RATE, 3)
        gateway.process.send_signal(signal.SIGSTOP)
        tasks += await traffic.flow(RATE, 1.7 * BRISK["first_event_s"])
        gateway.process.send_signal(signal.SIGCONT)
        tasks += await traffic.flow(RATE, 3)
        results = await asyncio.gather(*tasks)

    assert outcomes(results).keys() == {WELL}
    assert not [line for line in gateway.lines if moved(line, "open")]
    figures(requests=len(results), with_more_than_one_attempt=sum(result.attempts > 1 for result in results))
