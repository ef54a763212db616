"""What everyone else asks of an edge while something goes on there."""

import asyncio

from tests.edge.edge import Edge
from tests.load.traffic import Result, Traffic, quantile

RATE = 40


async def usual(edge: Edge, seconds: float) -> list[Result]:
    """Forty a second, half of them streams."""
    async with Traffic(edge.url, max_tokens=16) as traffic:
        return list(await asyncio.gather(*await traffic.flow(RATE, seconds)))


def p99_ms(results: list[Result]) -> float:
    return quantile((each.seconds for each in results), 0.99) * 1000
