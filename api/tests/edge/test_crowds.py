"""Clients that are many, slow or in a hurry, in processes of their own: they take nothing from the others but what they
take at the edge, and of the machine. What the others wait is noted, with them and without.
"""

import asyncio
import contextlib
import itertools
import json
import statistics
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from tests.edge import crowd
from tests.edge.conftest import Fleet, MakeEdge
from tests.edge.edge import Edge
from tests.edge.others import p99_ms, usual
from tests.figures import Figures
from tests.load.traffic import WELL, outcomes
from tests.operations.verb import Host, Verb
from tests.talk import code_of, until

pytestmark = [pytest.mark.slow]

IDLE = 10_000
SLOW = 300
ALLOWED = 5
ROUNDS = 3
AT_MOST = 10
"""How many times as long the others may wait. It is hardly longer, but a busy machine may be busier in one round."""

Hostile = Callable[[], AbstractAsyncContextManager[object]]


async def compared(edge: Edge, hostile: Hostile, figures: Figures) -> None:
    """The others are all served; their p99 with those and without, taken in turns, is noted."""
    alone, beside = [], []
    for _ in range(ROUNDS):
        alone.append(await usual(edge, 3))
        async with hostile():
            beside.append(await usual(edge, 3))
    assert outcomes(itertools.chain(*alone, *beside)).keys() == {WELL}
    ratio = statistics.median(p99_ms(after) / p99_ms(before) for before, after in zip(alone, beside, strict=True))
    before, after = (statistics.median(map(p99_ms, rounds)) for rounds in (alone, beside))
    figures(p99_alone_ms=before, p99_beside_ms=after, p99_ratio=ratio)
    assert ratio < AT_MOST


@contextlib.asynccontextmanager
async def crowded(edge: Edge, count: int, kind: str, told: list[int]) -> AsyncIterator[None]:
    """Beside a crowd, as in crowd.py; what it says at its end is added to `told`."""
    command = [sys.executable, crowd.__file__, str(edge.port), str(count), kind]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin
    assert process.stdout
    try:
        assert await process.stdout.readline() == b"there\n"
        yield
        process.stdin.close()
        told.append(int(await process.stdout.readline()))
    finally:
        with contextlib.suppress(ProcessLookupError):  # it has ended
            process.kill()
        await process.wait()


async def test_many_idle_connections(make_edge: MakeEdge, fleet: Fleet, figures: Figures) -> None:
    edge = await asyncio.to_thread(make_edge, {"blue": fleet.addresses}, EDGE_HEADER_TIMEOUT_S="60")
    still: list[int] = []
    await compared(edge, lambda: crowded(edge, IDLE, "idle", still), figures)
    figures(idle=min(still))
    assert still == [IDLE] * ROUNDS


async def test_slow_loris(make_edge: MakeEdge, fleet: Fleet, figures: Figures) -> None:
    """A byte of the headers now and then does not hold a connection for long, and holds nobody else up."""
    edge = await asyncio.to_thread(make_edge, {"blue": fleet.addresses}, EDGE_HEADER_TIMEOUT_S="2")
    cut_off: list[int] = []
    await compared(edge, lambda: crowded(edge, SLOW, "drip", cut_off), figures)
    figures(slow=SLOW, cut_off=sum(cut_off))
    assert sum(cut_off) >= SLOW


@contextlib.asynccontextmanager
async def rushed(edge: Edge, folder: Path, ended: list[Verb]) -> AsyncIterator[None]:
    """Beside a client that sends a hundred times what it may."""
    words = ("--url", edge.url, "--insecure", "--key", "rushing", "--rate", str(100 * ALLOWED), "--streams", "0")
    verb = Host(folder, folder).start("load_test", *words, "--model", "tiny", "--seconds", "600")
    try:
        before = refused(edge)
        await asyncio.to_thread(until, lambda: refused(edge) > before + 100, 30)
        yield
    finally:
        verb.process.terminate()
        ended.append(await asyncio.to_thread(verb.wait))


def refused(edge: Edge) -> float:
    return edge.samples().get('edge_rate_limited_total{code="key_rate_exceeded"}', 0)


async def test_a_client_at_a_hundred_times_its_rate(
    make_edge: MakeEdge, fleet: Fleet, figures: Figures, tmp_path: Path
) -> None:
    limits = {"EDGE_KEY_RATE": str(ALLOWED), "EDGE_KEY_BURST": str(ALLOWED)}
    edge = await asyncio.to_thread(make_edge, {"blue": fleet.addresses}, **limits)
    ended: list[Verb] = []
    answers: list[httpx.Response] = []

    @contextlib.asynccontextmanager
    async def rush() -> AsyncIterator[None]:
        async with rushed(edge, tmp_path, ended):
            yield
            with edge.client("rushing") as client:
                answers.extend([await asyncio.to_thread(client.chat) for _ in range(10)])

    await compared(edge, rush, figures)
    told = [json.loads(verb.out) for verb in ended]
    sent, well = sum(each["requests"] for each in told), sum(each["requests"] - each["failed"] for each in told)
    figures(sent=sent, let_in=well)
    assert {reason for each in told for reason in each["how"]} == {"status 429"}
    assert 0 < well < sent / 10
    too_many = [answer for answer in answers if answer.status_code == 429]
    assert {(code_of(answer), answer.headers["retry-after"]) for answer in too_many} == {("key_rate_exceeded", "1")}
