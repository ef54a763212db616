"""Instances that fail their readiness check are taken out and come back; requests meanwhile are answered."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.edge.conftest import Fleet, MakeEdge, address
from tests.edge.edge import Edge
from tests.edge.scripted import Scripted, answer, reset, silent
from tests.figures import Figures
from tests.load.traffic import WELL, Ended, Result, Traffic, outcomes
from tests.talk import until
from tests.wire import Wire

RATE = 60
OUT_S = 5.0


async def under_load(
    edge: Edge, seconds: float, hurt: Callable[[], None], heal: Callable[[], None] = lambda: None
) -> tuple[list[Result], float]:
    """Traffic for so long, in which something is hurt after a second: the results, and when it was hurt."""
    async with Traffic(edge.url, max_tokens=16) as traffic:
        tasks = await traffic.flow(RATE, 1)
        await asyncio.to_thread(hurt)
        hurt_at = time.monotonic()
        tasks += await traffic.flow(RATE, seconds)
        heal()
        return list(await asyncio.gather(*tasks)), hurt_at


def failed(results: list[Result]) -> list[Result]:
    return [result for result in results if result.ended is not Ended.COMPLETE]


@pytest.mark.slow
async def test_an_instance_is_killed_under_load(fleet: Fleet, edge: Edge, figures: Figures) -> None:
    await asyncio.to_thread(until, lambda: edge.up() == set(fleet.addresses))
    victim = fleet.gateways[0]
    port = int(victim.url.rpartition(":")[2])

    results, hurt_at = await under_load(edge, 8, victim.process.kill)
    assert len(results) == 9 * RATE
    lost = failed(results)
    figures(requests=len(results), failed=len(lost), how=str(dict(outcomes(lost))))
    assert all(hurt_at - 2 < each.began < hurt_at + OUT_S for each in lost)
    assert all(each.status in (0, 200, 502) for each in lost), "nothing but what it had taken is lost"
    assert len(lost) <= 12
    assert edge.up() == set(fleet.addresses[1:])

    fleet.gateways[0] = await asyncio.to_thread(fleet.start, port)
    await asyncio.to_thread(until, lambda: edge.up() == set(fleet.addresses), 3)


@pytest.mark.slow
async def test_an_instance_stands_still_under_load(fleet: Fleet, edge: Edge, figures: Figures) -> None:
    """What it holds waits for it; all else goes to the others."""
    await asyncio.to_thread(until, lambda: edge.up() == set(fleet.addresses))
    victim = fleet.gateways[1]
    edge.told.clear()
    try:
        results, hurt_at = await under_load(
            edge,
            8,
            lambda: victim.process.send_signal(signal.SIGSTOP),
            lambda: victim.process.send_signal(signal.SIGCONT),
        )
    finally:
        victim.process.send_signal(signal.SIGCONT)
    assert outcomes(results) == {WELL: 9 * RATE}
    assert any(f"{address(victim)} is down: timeout" in line for line in edge.told)
    held = [result for result in results if result.seconds > 3]
    figures(requests=len(results), held_while_it_stood_still=len(held))
    assert 0 < len(held) <= RATE / 3 * OUT_S
    assert all(hurt_at - 1 < result.began < hurt_at + OUT_S for result in held)
    await asyncio.to_thread(until, lambda: edge.up() == set(fleet.addresses), 3)


@pytest.mark.slow
async def test_an_instance_that_drains_leaves_without_loss(fleet: Fleet, edge: Edge) -> None:
    await asyncio.to_thread(until, lambda: edge.up() == set(fleet.addresses))
    victim = fleet.gateways[2]
    port = int(victim.url.rpartition(":")[2])
    results, _ = await under_load(edge, 6, victim.terminate)
    assert outcomes(results) == {WELL: 7 * RATE}
    assert await asyncio.to_thread(victim.wait) == 0
    down = next(line for line in edge.told if f"{address(victim)} is down" in line)
    assert "503" in down, "it went when it said so, not when it was gone"
    fleet.gateways[2] = await asyncio.to_thread(fleet.start, port)
    await asyncio.to_thread(until, lambda: edge.up() == set(fleet.addresses), 3)


async def test_requests_go_where_the_least_are_open(make_edge: MakeEdge) -> None:
    busy, free = Scripted(silent), Scripted(answer)
    async with Wire(busy.script) as one, Wire(free.script) as two:
        edge = await asyncio.to_thread(
            make_edge, {"blue": [f"127.0.0.1:{wire.origin.port}" for wire in (one, two)]}, EDGE_READ_TIMEOUT_S="30"
        )
        async with httpx.AsyncClient(verify=False, trust_env=False) as client:
            waiting = []
            while not busy.taken:
                waiting.append(asyncio.create_task(client.post(f"{edge.url}/v1/chat/completions", json={})))
                await asyncio.sleep(0.02)
            for _ in range(30):
                assert (await client.post(f"{edge.url}/v1/chat/completions", json={})).status_code == 200
            assert len(busy.taken) == 1
            for task in waiting:
                task.cancel()
        states = {peer["in_flight"] for peer in (await asyncio.to_thread(edge.peers)).values()}
        assert states <= {0, 1}
        await asyncio.to_thread(until, lambda: {peer["in_flight"] for peer in edge.peers().values()} == {0})


async def test_where_all_are_too_busy_for_checks_they_are_asked_all_the_same(make_edge: MakeEdge) -> None:
    slow, dead = Scripted(answer, check=silent), Scripted(answer, check=reset)
    async with Wire(slow.script) as one, Wire(dead.script) as two:
        edge = await asyncio.to_thread(make_edge, {"blue": [f"127.0.0.1:{wire.origin.port}" for wire in (one, two)]})
        await asyncio.to_thread(until, lambda: sum("is down" in line for line in edge.told) == 2)
        assert await asyncio.to_thread(edge.up) == set()
        async with httpx.AsyncClient(verify=False, trust_env=False) as client:
            told = [await client.post(f"{edge.url}/v1/chat/completions", json={}) for _ in range(10)]
    assert [answer.status_code for answer in told] == [200] * 10
    assert (len(slow.taken), len(dead.taken)) == (10, 0)


def test_a_worker_that_is_killed_leaves_no_trace(fleet: Fleet, make_edge: MakeEdge) -> None:
    """Each of them in turn, so also the one that does the checks."""
    edge = make_edge({"blue": fleet.addresses})
    master = edge.process.pid
    workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    assert len(workers) == 2
    with ExitStack() as ends:
        for _ in range(16):
            client = ends.enter_context(edge.client())
            ends.enter_context(client.streaming(max_tokens=4000, min_tokens=4000, ignore_eos=True))
        assert sum(peer["in_flight"] for peer in edge.peers().values()) == 16
        for worker in workers:
            os.kill(int(worker), signal.SIGKILL)
        until(lambda: {peer["in_flight"] for peer in edge.peers().values()} == {0})
    with edge.client() as client:
        assert client.chat(max_tokens=1).status_code == 200
    edge.told.clear()
    fleet.gateways[0].process.send_signal(signal.SIGSTOP)
    try:
        until(lambda: edge.up() == set(fleet.addresses[1:]))
    finally:
        fleet.gateways[0].process.send_signal(signal.SIGCONT)


def test_a_drained_instance_gets_nothing_until_that_is_taken_back(fleet: Fleet, edge: Edge) -> None:
    name = fleet.addresses[0]
    until(lambda: edge.up() == set(fleet.addresses))
    with edge.client() as client:
        try:
            assert edge.put(f"/peers/{name}", {"drained": True}).status_code == 200
            assert edge.peers()[name]["drained"]
            asked = [client.http.get("/v1/models", headers={"x-request-id": f"drained-{n}"}) for n in range(30)]
            assert {answer.status_code for answer in asked} == {200}
            edge.wait_for(lambda line: line["request_id"] == "drained-29")
            assert name not in {line["peer"] for line in edge.lines if line["request_id"].startswith("drained-")}
        finally:
            edge.put(f"/peers/{name}", {"drained": False})
        for n in range(60):
            client.http.get("/v1/models", headers={"x-request-id": f"back-{n}"})
        edge.wait_for(lambda line: line["request_id"] == "back-59")
        assert name in {line["peer"] for line in edge.lines if line["request_id"].startswith("back-")}
