"""Watches the replicas from beside the road: their health, their engines' load, the models that they serve."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from penstock.settings.parts import Replica
from penstock.settings.parts import Watch as WatchSettings
from penstock.upstream.roster import Roster
from penstock.upstream.target import EngineGauges, Target

METRICS_BYTES = 4 * 2**20

# vLLM's metric names; one line for each engine of a data-parallel replica.
_RUNNING = re.compile(rb"^vllm:num_requests_running\{[^}]*\} (\S+)", re.MULTILINE)
_WAITING = re.compile(rb"^vllm:num_requests_waiting\{[^}]*\} (\S+)", re.MULTILINE)
_KV_CACHE = re.compile(rb"^vllm:kv_cache_usage_perc\{[^}]*\} (\S+)", re.MULTILINE)


@dataclass(slots=True)
class Watcher:
    """Reads every replica each `interval_s`. `told` hears of a target that went down or came up.

    One that cannot be read counts as down after some failures in a row, so that a single lost reading, or a
    busy moment of ours, takes nobody out.
    """

    settings: WatchSettings
    roster: Roster
    clock: Callable[[], float]
    told: Callable[[Target], None]
    _failures: dict[str, int] = field(default_factory=dict, init=False)
    _looked: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def run(self) -> None:
        """Watch until cancelled."""
        limits = httpx.Limits(max_keepalive_connections=0)  # vLLM closes idle connections; readings are few
        async with httpx.AsyncClient(timeout=self.settings.timeout_s, limits=limits, trust_env=False) as client:
            while True:
                await self.look(client)
                self._looked.set()
                await asyncio.sleep(self.settings.interval_s)

    async def first_look(self, limit_s: float) -> None:
        """Wait until every replica was read once, or so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._looked.wait()

    async def look(self, client: httpx.AsyncClient) -> None:
        """One round: every replica at the same time, each within its limit."""
        replicas = [target for target in self.roster.targets.values() if target.kind == "replica"]
        readings: list[Awaitable[None]] = [self._read(client, target) for target in replicas]
        readings += [self._discover(client, replica) for replica in self.roster.undiscovered]
        await asyncio.gather(*readings)
        for name in self._failures.keys() - self.roster.targets.keys():
            del self._failures[name]

    async def _read(self, client: httpx.AsyncClient, target: Target) -> None:
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                health = await client.get(f"{target.url}/health")
                healthy = health.status_code == 200
                if healthy:
                    target.engine = await self._gauges(client, target) or target.engine
        except (httpx.HTTPError, TimeoutError):
            healthy = False
        failures = 0 if healthy else self._failures.get(target.id, 0) + 1
        self._failures[target.id] = failures
        self._judge(target, up=failures < self.settings.failures if target.up else healthy)

    def _judge(self, target: Target, *, up: bool) -> None:
        if target.up == up:
            return
        target.up = up
        if up:
            target.breaker.probe_soon()
        self.told(target)

    async def _gauges(self, client: httpx.AsyncClient, target: Target) -> EngineGauges | None:
        in_flight = target.in_flight
        response = await client.get(f"{target.url}/metrics")
        if response.status_code != 200 or len(response.content) > METRICS_BYTES:
            return None
        return gauges_in(response.content, in_flight, self.clock())

    async def _discover(self, client: httpx.AsyncClient, replica: Replica) -> None:
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                target = self.roster.target(replica.name)
                response = await client.get(f"{replica.url}/v1/models", headers=target.authorization)
            models = [entry["id"] for entry in response.json()["data"]]
        except (httpx.HTTPError, TimeoutError, ValueError, KeyError, TypeError):
            return  # it may still be loading; what it told before stays
        self.roster.discovered(replica.name, [name for name in models if isinstance(name, str)])


def gauges_in(metrics: bytes, in_flight: int, now: float) -> EngineGauges | None:
    """The engine's load from its metrics; `in_flight` is how much of it was ours. None if they are not vLLM's."""
    try:
        running = [float(value) for value in _RUNNING.findall(metrics)]
        waiting = [float(value) for value in _WAITING.findall(metrics)]
        usage = [float(value) for value in _KV_CACHE.findall(metrics)]
    except ValueError:
        return None
    if not running:
        return None
    load = int(sum(running) + sum(waiting))
    return EngineGauges(now, int(sum(running)), int(sum(waiting)), max(usage, default=0.0), max(0, load - in_flight))
