"""The only place where things are built, joined, opened and closed."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from fastapi import FastAPI

from penstock.background import background
from penstock.callers.follow import Follower
from penstock.callers.keyring import Keyring
from penstock.callers.place import book_of
from penstock.errors import Draining
from penstock.functions.catalog import Function, load
from penstock.limits.limits import Limits
from penstock.settings import Settings, SettingsError, load_settings
from penstock.state.shared import Shared
from penstock.surfaces.admin import Admin
from penstock.surfaces.auth import Doorkeeper, callers_of
from penstock.surfaces.board import Board, Readiness
from penstock.surfaces.bounds import Bounds
from penstock.surfaces.cors import Cors
from penstock.surfaces.front import Front
from penstock.surfaces.functions import FunctionsSurface
from penstock.surfaces.gate import Gate
from penstock.surfaces.hot import function_routes, openai_routes
from penstock.surfaces.keys_admin import KeysAdmin
from penstock.surfaces.openai import OpenAISurface
from penstock.surfaces.ops import ops_router
from penstock.surfaces.routes import application
from penstock.surfaces.sight import Sight
from penstock.surfaces.status_page import status_router
from penstock.surfaces.usage_admin import UsageAdmin
from penstock.surfaces.watchers import Watchers
from penstock.telemetry.gauges import States
from penstock.telemetry.incidents import Incidents
from penstock.telemetry.journal import Journal
from penstock.telemetry.lately import Lately
from penstock.telemetry.lines import Lines
from penstock.telemetry.logging import library_logs, logger_to
from penstock.telemetry.metrics import Metrics
from penstock.upstream.attempt import Attempt
from penstock.upstream.breaker import State
from penstock.upstream.collector import tracing_of
from penstock.upstream.dispatch import Dispatcher
from penstock.upstream.glance import Glance
from penstock.upstream.gossip import Gossip
from penstock.upstream.resolver import Resolver
from penstock.upstream.roster import Roster
from penstock.upstream.states import pool_states, target_states
from penstock.upstream.target import Target
from penstock.upstream.transport import Transport
from penstock.upstream.watch import Watcher
from penstock.usage.tally import tally_of


def create_app(settings: Settings, config: Path | None = None, log: BinaryIO = sys.stdout.buffer) -> Instance:
    """An instance, ready to be served; `config` is what a reload reads. Raises SettingsError if it cannot be built."""
    return Instance(settings, config, Lines(log))


class Instance:
    """One gateway: its parts, and its life from start to drain."""

    def __init__(self, settings: Settings, config: Path | None, lines: Lines) -> None:
        self.settings = settings
        self._incidents = Incidents()
        self.log = logger_to(lines, self._incidents)
        self._lines = lines
        self._config = config
        self._metrics = metrics = Metrics(settings.version)
        self._lately = Lately(metrics, time.monotonic)
        self._shared = Shared(settings.redis_url.get_secret_value(), time.monotonic, self.log)
        self._limits = Limits(settings.fallback_budget, self._shared.grants, time.monotonic)
        self._tally = tally_of(settings.usage_dir, self._shared.ledger, time.monotonic, self.log)
        rng = random.Random()  # noqa: S311  # spreads load; guards nothing
        self._tracing = tracing_of(settings, metrics.spans, self.log, rng)
        self.roster = Roster(settings, time.monotonic, rng, self._breaker_moved)
        self._resolver = Resolver(settings.watch.lookup_s, self.roster, self.log)
        self._gossip = Gossip(self._shared.store, self.roster, lambda: self._shared.up)
        self._beside = Transport(settings.max_connections)  # the watcher's: calls can leave it none
        self._watcher = Watcher(settings.watch, self.roster, Glance(self._beside), time.monotonic, self._target_moved)
        self.transport = Transport(settings.max_connections)
        attempt = Attempt(self.transport, settings.max_reply_bytes)
        self._dispatcher = Dispatcher(
            attempt, settings.retry, time.monotonic, rng, lambda target, what: metrics.attempts.of(target, what).inc()
        )
        metrics.show(self._states)
        self.front = self._front(load())

    def _front(self, functions: Mapping[str, Function]) -> Front:
        doorkeeper = self._doorkeeper()
        apart = (lambda: self._shared.up, lambda: self._follower.age_s)
        board = Board(self.roster, self._lately, self._incidents, self._readiness, *apart, keyed=doorkeeper.keyed)
        self._watchers = Watchers(board)
        app = application(
            self._lifespan,
            status_router(board, self._watchers, Sight(self.settings.status_page, doorkeeper)),
            ops_router(self.roster, functions, self._metrics, self._readiness),
            KeysAdmin(self._follower, self.log).router,
            UsageAdmin(self._shared.ledger).router,
            Admin(self.roster, self.log, self._gossip.drained).router,
        )
        road = (self.settings, self.roster, self._dispatcher, Gate(self._limits))
        openai, typed = OpenAISurface(*road, Bounds(self.settings.requests)), FunctionsSurface(*road)
        return Front(
            app=app,
            hot=openai_routes(app, openai) | function_routes(app, typed, functions),
            doorkeeper=doorkeeper,
            journal=Journal(self._metrics, self._lines, self._tracing.close if self._tracing else None),
            log=self.log,
            body_timeout_s=self.settings.body_timeout_s,
            cors=Cors(self.settings.requests.cors_origins),
            tracing=self._tracing,
            used=self._tally.count,
        )

    def _doorkeeper(self) -> Doorkeeper:
        settings = self.settings
        self._follower = Follower(book_of(settings), callers_of(settings.api_keys), time.monotonic, self.log)
        return Doorkeeper(self._follower.keyring, Keyring(callers_of(settings.operator_keys)), keyed=settings.keyed)

    # Its life

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        del app
        beside = [self._watcher.run, self._gossip.run, self._lately.run, self._follower.run, self._limits.run]
        beside += [self._tally.run, self._resolver.run]
        beside += [self._tracing.exporter.run] if self._tracing is not None else []
        with library_logs(self.log):
            await self._follower.look()
            await self._resolver.look(2 * self.settings.watch.timeout_s)
            try:
                async with background(self.log, *beside):
                    await self._watcher.first_look(2 * self.settings.watch.timeout_s)
                    yield
            finally:
                self.transport.close()
                self._beside.close()
                await self._tally.aclose()
                await self._limits.aclose()
                await self._shared.aclose()
                await self._follower.aclose()
                self._lines.close()

    def reload(self) -> None:
        """Read the settings again, and serve the models, replicas and clouds that they name now."""
        try:
            self.roster.load(load_settings(self._config))
        except SettingsError as error:
            self.log.error("reload refused", why=str(error))  # noqa: TRY400  # the message says it all
        else:
            self.log.info("reloaded", targets=sorted(self.roster.targets))

    def start_draining(self) -> None:
        """Tell balancers to send nothing more."""
        self.front.draining = True
        self.log.info("draining", open_requests=self.open_requests)
        self._watchers.end()

    def refuse_new(self) -> None:
        self.front.closed = True

    def interrupt(self) -> None:
        """End what is still open: each client is told so."""
        why = Draining("This instance had to shut down before the answer was complete.", retry_after=1)
        for visit in tuple(self.front.visits):
            visit.interrupt(why)

    @property
    def open_requests(self) -> int:
        return len(self.front.visits)

    # What its parts tell it

    def _readiness(self) -> Readiness:
        if self.front.draining:
            return "draining"
        if not self._follower.has_read:
            return "no callers"
        return "ready" if self.roster.models else "no models"

    def _states(self) -> States:
        pools, budgets = pool_states(self.roster, self._limits.queues.waiting), self._limits.till.states()
        beside = self._tally.state(), self._follower.age_s
        return States(target_states(self.roster), self._shared.up, budgets, pools, *beside)

    def _breaker_moved(self, target: Target, state: State) -> None:
        self.log.warning("breaker moved", target=target.id, state=state)
        self._gossip.breaker_moved(target, state)

    def _target_moved(self, target: Target) -> None:
        self.log.warning("target moved", target=target.id, up=target.up)
