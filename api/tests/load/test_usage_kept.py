"""Instances and Redis are killed under load: what each key used is what the targets told, to the token.

PENSTOCK_USAGE_REQUESTS is how many requests; 2,000 if it is not set. A tenth of them meets a fault, a twentieth leaves.

An answer that a target told whole, and that no client has whole, may be uncounted: its client left as it came, or its
instance was killed before it had all of it. Those are looked at one by one, by the instances' logs.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.figures import Figures
from tests.gateway import Gateway, Line
from tests.load.conftest import CLOUD_KEY, Pool
from tests.load.crowd import Crowd
from tests.load.test_soak import LIMITS, set_faults
from tests.load.traffic import Ended
from tests.servers import RedisServer

COUNT = int(os.environ.get("PENSTOCK_USAGE_REQUESTS") or 2_000)
AT_ONCE = 48
LEAVERS = 0.08
KEYS = {name: f"sk-{name}" for name in ("ann", "bob", "cam", "dee", "eve")}
OPERATOR = "sk-operator"
PRICE = {"input_per_million_usd": 0.15, "output_per_million_usd": 0.6}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + COUNT // 25)]


class Used(NamedTuple):
    """Answers and their tokens."""

    answers: int = 0
    read: int = 0
    written: int = 0

    def plus(self, other: Used) -> Used:
        return Used(*[mine + its for mine, its in zip(self, other, strict=True)])


class Site:
    """Three instances, one Redis that keeps what it is told, one folder."""

    def __init__(self, pool: Pool, redis: RedisServer, crowd: Crowd) -> None:
        self.redis = redis
        self.folder = pool.folder / "usage"
        self.gateways: list[Gateway] = []
        self.dead: list[Gateway] = []
        self.open_at_kills = 0
        self._pool = pool
        self._crowd = crowd
        self._settings = pool.settings(
            timeouts=LIMITS,
            redis_url=redis.url,
            usage_dir=str(self.folder),
            api_keys=[f"{name}={key}" for name, key in KEYS.items()],
            operator_keys=[f"ops={OPERATOR}"],
        )
        self._settings["models"][0]["price"] = PRICE
        for _ in range(3):
            self._start()

    def _start(self) -> None:
        folder = self._pool.folder / f"instance-{len(self.gateways) + len(self.dead)}"
        folder.mkdir()
        gateway = self._pool.ends.enter_context(Gateway(folder, self._settings, env=CLOUD_KEY))
        self.gateways.append(gateway)
        self._crowd.urls.append(gateway.url)

    async def replace(self) -> None:
        """Kill an instance in the midst of its requests, then start another."""
        gateway = self.gateways.pop(0)
        self.open_at_kills += self._crowd.open[gateway.url]
        gateway.kill()
        self._crowd.urls.remove(gateway.url)
        self.dead.append(gateway)
        await asyncio.to_thread(self._start)

    async def restart_redis(self, end: Callable[[], None], away_s: float, meanwhile: bool) -> None:
        await asyncio.to_thread(end)
        await asyncio.sleep(away_s)
        if meanwhile:
            await self.replace()
        await asyncio.to_thread(self.redis.start)

    async def blows(self) -> None:
        """All that happens while the requests go on, each at its share of them."""
        blows = (
            (0.15, self.replace),
            (0.35, lambda: self.restart_redis(self.redis.stop, 2, meanwhile=True)),
            (0.6, lambda: self.restart_redis(self.redis.kill, 1, meanwhile=False)),
            (0.8, self.replace),
        )
        for share, blow in blows:
            while self._crowd.sent < share * COUNT:  # noqa: ASYNC110  # there is no event for it
                await asyncio.sleep(0.01)
            await blow()

    async def settled(self) -> float:
        """Wait until Redis has everything for good. Returns how long that took."""
        began = time.monotonic()
        while any(path.suffix != ".lock" for path in self.folder.iterdir()) or len(list(self.folder.iterdir())) != 3:
            assert time.monotonic() < began + 90, sorted(path.name for path in self.folder.iterdir())
            await asyncio.sleep(0.1)
        return time.monotonic() - began

    def usage(self) -> Mapping[str, Line]:
        headers = {"authorization": f"Bearer {OPERATOR}"}
        told = httpx.get(f"{self.gateways[0].url}/admin/usage", headers=headers, timeout=10).raise_for_status()
        return {row["caller"]: row for row in told.json()["data"]}

    def lines(self) -> dict[str, Line]:
        """The log's line of each request, whichever instance wrote it."""
        return {line["request_id"]: line for each in (*self.gateways, *self.dead) for line in each.requests()}


@pytest.fixture
def keeping_redis(require: Callable[[str], str], tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(require("redis-server"), tmp_path, keeps=True)
    server.start()
    yield server
    server.kill()


async def test_usage_is_what_the_targets_told(pool: Pool, keeping_redis: RedisServer, figures: Figures) -> None:
    pool.start("--speed", "10")
    for seed, replica in enumerate(pool.replicas):
        set_faults(replica, seed)
    crowd = Crowd(KEYS, [], random.Random(1))
    site = Site(pool, keeping_redis, crowd)
    began = time.monotonic()
    async with crowd:
        blows = asyncio.create_task(site.blows())
        await crowd.rush(AT_ONCE, LEAVERS, over=lambda: crowd.sent >= COUNT and blows.done())
        await blows
    seconds = time.monotonic() - began
    settled_s = await site.settled()
    usage, lines = site.usage(), site.lines()
    told, cut = of_targets(pool)
    sure, unsure = sorted_out(told, crowd.ended, lines)

    figures(
        requests=crowd.sent,
        requests_per_second=crowd.sent / seconds,
        settled_after_s=settled_s,
        kills_of_instances=len(site.dead),
        open_when_one_was_killed=site.open_at_kills,
        **{f"ended {end}": count for end, count in crowd.ends(crowd.ended).items()},
        answers_told_by_targets=sum(each.answers for each in told.values()),
        answers_cut_at_targets=sum(each.answers for each in cut.values()),
        answers_told_and_seen=sum(crowd.ended[name] is Ended.COMPLETE for name in told),
        answers_told_and_not_seen=str(crowd.ends(name for name in told if crowd.ended[name] is not Ended.COMPLETE)),
        answers_told_and_not_had=str(crowd.ends(told.keys() - sure.keys() - unsure.keys())),
        answers_told_twice=sum(each.answers - 1 for each in told.values()),
        answers_told_of_which_a_killed_instance_left_no_line=len(unsure),
        answers_estimated=sum(row["estimated_requests"] for row in usage.values()),
        estimated_tokens_written=sum(row["estimated_output_tokens"] for row in usage.values()),
        cut_tokens_written_at_targets=sum(each.written for each in cut.values()),
    )
    for caller, row in sorted(usage.items()):
        counted = exact(row)
        at_least, at_most = total(sure, caller), total(sure, caller).plus(total(unsure, caller))
        figures(**{f"{caller}: counted": str(tuple(counted)), f"{caller}: told and had": str(tuple(at_least))})
        figures(**{f"{caller}: told by the targets in all": str(tuple(total(told, caller)))})
        assert at_least == counted or all(map(between, at_least, counted, at_most)), caller
        tokens = [row[f"{estimated}{kind}_tokens"] for estimated in ("", "estimated_") for kind in ("input", "output")]
        dollars = 0.15 * (tokens[0] + tokens[2]) + 0.6 * (tokens[1] + tokens[3])
        assert row["cost_usd"] + row["saved_usd"] == pytest.approx(dollars / 1e6, abs=1e-9)
    assert usage.keys() == KEYS.keys()
    assert len(unsure) <= site.open_at_kills
    assert crowd.ends(told.keys() - sure.keys()).keys() <= {"LEFT", "LOST"}
    assert not [name for name in told if crowd.ended[name] is Ended.COMPLETE and name not in sure]


def of_targets(pool: Pool) -> tuple[dict[str, Used], dict[str, Used]]:
    """What the targets told of each request, and what they did for those whose answer broke off."""
    told: dict[str, Used] = {}
    cut: dict[str, Used] = {}
    assert pool.cloud is not None
    for simulator in (*pool.replicas, pool.cloud):
        for name, seen in simulator.users().items():
            for sums, prefix, answers in ((told, "", "told"), (cut, "cut_", "cut")):
                if seen[answers]:
                    more = Used(seen[answers], seen[f"{prefix}prompt_tokens"], seen[f"{prefix}completion_tokens"])
                    sums[name] = more.plus(sums.get(name, Used()))
    return told, cut


def sorted_out(
    told: Mapping[str, Used], ended: Mapping[str, Ended], lines: Mapping[str, Line]
) -> tuple[dict[str, Used], dict[str, Used]]:
    """Of the answers that targets told: those that an instance had, and those of which nobody knows if one had them.

    It had what its client has, and what its log tells the tokens of. One that was killed may have written no line.
    """
    sure: dict[str, Used] = {}
    unsure: dict[str, Used] = {}
    for name, used in told.items():
        one = Used(1, used.read // used.answers, used.written // used.answers)
        line = lines.get(name)
        if ended[name] is Ended.COMPLETE or (line and line["input_tokens"] and not line["estimated"]):
            sure[name] = one
        elif line is None:
            unsure[name] = one
    return sure, unsure


def exact(row: Line) -> Used:
    """What was counted as targets told it."""
    return Used(row["requests"] - row["estimated_requests"], row["input_tokens"], row["output_tokens"])


def total(of: Mapping[str, Used], caller: str) -> Used:
    sums = Used()
    for name, used in of.items():
        if name.startswith(f"{caller}."):
            sums = sums.plus(used)
    return sums


def between(least: int, value: int, most: int) -> bool:
    return least <= value <= most
