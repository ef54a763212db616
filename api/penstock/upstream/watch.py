"""Watches the replicas from beside the road: their health, their engines' load, the models that they serve."""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson

from penstock.settings.parts import Replica
from penstock.settings.parts import Watch as WatchSettings
from penstock.upstream.glance import Glance
from penstock.upstream.roster import Roster
from penstock.upstream.target import EngineGauges, Target

# vLLM's metric names; one line for each engine of a data-parallel replica.
_RUNNING = re.compile(rb"^vllm:num_requests_running\{[^}]*\} (\S+)", re.MULTILINE)
_WAITING = re.compile(rb"^vllm:num_requests_waiting\{[^}]*\} (\S+)", re.MULTILINE)
_GENERATED = re.compile(rb"^vllm:generation_tokens_total\{[^}]*\} (\S+)", re.MULTILINE)
_KV_CACHE = re.compile(rb"^vllm:kv_cache_usage_perc\{[^}]*\} (\S+)", re.MULTILINE)


@dataclass(slots=True)
class Watcher:
    """Reads every replica each `interval_s`. `told` hears of a target that went down or came up.

    One that cannot be read counts as down after some failures in a row, so that a single lost reading, or a
    busy moment of ours, takes nobody out.
    """

    settings: WatchSettings
    roster: Roster
    glance: Glance
    clock: Callable[[], float]
    told: Callable[[Target], None]
    _failures: dict[str, int] = field(default_factory=dict, init=False)
    _looked: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self.look()
            self._looked.set()
            await asyncio.sleep(self.settings.interval_s)

    async def first_look(self, limit_s: float) -> None:
        """Wait until every replica was read once, or so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._looked.wait()

    async def look(self) -> None:
        """One round: every replica at the same time, each within its limit."""
        replicas = [target for target in self.roster.targets.values() if target.kind == "replica"]
        readings: list[Awaitable[None]] = [self._read(target) for target in replicas]
        readings += [self._discover(replica) for replica in self.roster.undiscovered]
        await asyncio.gather(*readings)
        for name in self._failures.keys() - self.roster.targets.keys():
            del self._failures[name]

    async def _read(self, target: Target) -> None:
        deadline = self._deadline()
        healthy = await self.glance.get(target, "/health", deadline) is not None
        if healthy:
            in_flight, begun = target.in_flight, target.begun
            metrics = await self.glance.get(target, "/metrics", deadline)
            ours = in_flight + target.begun - begun  # whatever of ours the engine can have counted meanwhile
            target.engine = gauges_in(metrics or b"", ours, self.clock(), target.engine) or target.engine
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

    async def _discover(self, replica: Replica) -> None:
        told = await self.glance.get(self.roster.target(replica.name), "/v1/models", self._deadline())
        try:
            models = [entry["id"] for entry in orjson.loads(told or b"")["data"]]
        except (ValueError, KeyError, TypeError):
            return  # it may still be loading; what it told before stays
        self.roster.discovered(replica.name, [name for name in models if isinstance(name, str) and name.isprintable()])

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self.settings.timeout_s


def gauges_in(metrics: bytes, ours: int, now: float, before: EngineGauges | None = None) -> EngineGauges | None:
    """The engine's load from its metrics; `ours`: how much of it may be our own. None if they are not vLLM's."""
    try:
        running = int(sum(map(float, _RUNNING.findall(metrics))))
        waiting = int(sum(map(float, _WAITING.findall(metrics))))
        usage = max(map(float, _KV_CACHE.findall(metrics)), default=0.0)
        generated = sum(map(float, _GENERATED.findall(metrics)))
    except (ValueError, OverflowError):  # not a number, or none that can be counted to
        return None
    if not _RUNNING.search(metrics) or not math.isfinite(usage + generated):
        return None
    tokens_per_s = 0.0
    if before is not None and generated > before.generated:  # less, if the engine has started again
        tokens_per_s = (generated - before.generated) / max(now - before.read_at, 1e-3)
    return EngineGauges(now, running, waiting, usage, max(0, running + waiting - ours), generated, tokens_per_s)
