"""Every model and every target: built from the settings, joined and left while calls go on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from penstock.errors import InvalidRequest, ModelNotFound, TargetNotFound
from penstock.settings import Settings, SettingsError
from penstock.settings.parts import Fallback, Model, Replica
from penstock.upstream.addresses import Addresses
from penstock.upstream.breaker import State
from penstock.upstream.build import Build
from penstock.upstream.pool import Pool
from penstock.upstream.target import Kind, Place, Target, Told

Changed = Callable[[Target, State], None]
"""Told when a target's breaker changes its state."""


class Roster:
    """What is served where. A reload keeps the targets that stay: their breakers and counts go on."""

    def __init__(self, settings: Settings, clock: Callable[[], float], rng: random.Random, changed: Changed) -> None:
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._changed = changed
        self._found: dict[str, tuple[str, ...]] = {}
        self._joined: dict[str, tuple[str, Replica]] = {}
        self._left: set[str] = set()
        self._addresses = Addresses()
        self.targets: dict[str, Target] = {}
        self.models: tuple[Pool, ...] = ()
        self._pools: dict[str, Pool] = {}
        self.load(settings)

    def pool(self, name: str) -> Pool:
        """The pool that serves a model, by its name or an alias. Raises ModelNotFound."""
        pool = self._pools.get(name)
        if pool is None:
            raise ModelNotFound.named(name)
        return pool

    def functions_pool(self, named: str) -> Pool:
        """The model that a typed function names; `default` is this instance's choice. Raises ModelNotFound."""
        if named != "default":
            return self.pool(named)
        if self._settings.functions_model:
            return self.pool(self._settings.functions_model)
        if not self.models:
            raise ModelNotFound("No model is served: no replica has told its models yet.")
        return self.models[0]

    def target(self, name: str) -> Target:
        """Raises TargetNotFound."""
        target = self.targets.get(name)
        if target is None:
            raise TargetNotFound(f"There is no target {name[:100]!r}. See GET /admin/targets.")
        return target

    @property
    def undiscovered(self) -> tuple[Replica, ...]:
        """Replicas given by URL alone, whose models have to be asked for."""
        replicas = [Replica(url=url) for url in self._settings.replicas]
        return tuple(replica for replica in replicas if replica.name not in self._left)

    def discovered(self, name: str, models: Iterable[str]) -> None:
        """The replica of this name, given by URL alone, serves these models."""
        found = tuple(models)
        if self._found.get(name) != found:
            self._found[name] = found
            self._build(self._settings)

    @property
    def by_address(self) -> frozenset[str]:
        """URLs of which each address is a replica of its own."""
        replicas = (each for model in self._settings.models for each in model.replicas)
        return frozenset(each.url for each in replicas if each.each_address)

    def resolved(self, url: str, addresses: Iterable[str]) -> bool:
        """These are behind this URL now. What is open at one that has gone goes on. Whether that is any news."""
        news = self._addresses.learn(url, addresses)
        if news:
            self._build(self._settings)
        return news

    def join(self, model: str, replica: Replica) -> None:
        """A replica joins a model's pool until the next `load`. Raises ModelNotFound or InvalidRequest."""
        if replica.name in self.targets:
            raise InvalidRequest(f"There is a target {replica.name!r} already.", param="id")
        self._joined[replica.name] = (self.pool(model).name, replica)
        self._build(self._settings)

    def leave(self, name: str) -> None:
        """A replica leaves its pools until the next `load`; what is open there goes on. Raises TargetNotFound."""
        if self.target(name).kind != "replica":
            raise InvalidRequest("Only replicas leave; a cloud can be drained.", param="id")
        self._joined.pop(name, None)
        self._left.add(name)
        self._build(self._settings)

    def load(self, settings: Settings) -> None:
        """Serve what these settings say, and only that. Raises SettingsError, and then nothing has changed.

        Settings that would leave nothing to serve are refused: they come from a file that is half written.
        """
        if _names_some(self._settings) and not _names_some(settings):
            raise SettingsError("no models and no replicas are named any more: restart to serve none")
        build = Build(settings, self._models(settings, joined={}, left=set()), self._new, self.targets)
        self._settings, self._joined, self._left = settings, {}, set()
        self._take(build)

    def _build(self, settings: Settings) -> None:
        models = self._models(settings, joined=self._joined, left=self._left)
        self._take(Build(settings, models, self._new, self.targets))

    def _take(self, build: Build) -> None:
        for replica in self.undiscovered:
            build.target(replica.name, "replica", Place(replica.url))
        pools = [build.pool(model, self._rng) for model in build.models]
        self.targets, self.models = build.targets, tuple(pools)
        self._pools = {name: pool for pool in pools for name in (pool.name, *pool.aliases)}

    def _new(self, settings: Settings, name: str, kind: Kind, place: Place) -> Target:
        return Target(name, kind, place, self._clock, Told(settings.breaker, self._changed))

    def _models(self, settings: Settings, joined: dict[str, tuple[str, Replica]], left: set[str]) -> list[Model]:
        """The models of the settings and those that were discovered, with the replicas they have now."""
        models = [*settings.models, *self._found_models(settings)]
        return [
            model.model_copy(
                update={
                    "replicas": tuple(each for each in self._addresses.replicas(model) if each.name not in left)
                    + tuple(replica for name, replica in joined.values() if name == model.name)
                }
            )
            for model in models
        ]

    def _found_models(self, settings: Settings) -> list[Model]:
        configured = {name for model in settings.models for name in (model.name, *model.aliases)}
        serving: dict[str, list[Replica]] = {}
        for replica in (Replica(url=url) for url in settings.replicas):
            for name in self._found.get(replica.name, ()):
                if name not in configured:
                    serving.setdefault(name, []).append(replica)
        fallback = tuple(Fallback(cloud=name, model=settings.fallback_model) for name in settings.clouds)
        return [Model(name=name, replicas=tuple(each), fallback=fallback) for name, each in serving.items()]


def _names_some(settings: Settings) -> bool:
    return bool(settings.models or settings.replicas)
