"""Pools and targets as the settings say, made from those that were there before."""

from __future__ import annotations

import random
from collections.abc import Callable

from penstock.settings import Settings
from penstock.settings.parts import Model
from penstock.telemetry.tariff import Tariff
from penstock.upstream.pool import Pool, Seat
from penstock.upstream.rank import RANKERS
from penstock.upstream.target import Kind, Place, Target


class Build:
    """Pools and targets from settings, with the targets kept that are as they were."""

    def __init__(
        self,
        settings: Settings,
        models: list[Model],
        new: Callable[[Settings, str, Kind, Place], Target],
        kept: dict[str, Target],
    ) -> None:
        self.models = models
        self.targets: dict[str, Target] = {}
        self._settings = settings
        self._new = new
        self._kept = kept
        self._places = {
            each.name: Place(each.url, settings.secret(each.api_key_env), each.tls.checked(each.name, each.url))
            for model in models
            for each in model.replicas
        }
        self._cloud_places = {
            name: Place(each.base_url, settings.secret(each.api_key_env), each.tls.checked(name, each.base_url))
            for name, each in settings.clouds.items()
        }

    def target(self, name: str, kind: Kind, place: Place) -> Target:
        if name not in self.targets:
            kept = self._kept.get(name)
            same = kept is not None and kept.is_at(kind, place)
            self.targets[name] = kept if kept and same else self._new(self._settings, name, kind, place)
        return self.targets[name]

    def pool(self, model: Model, rng: random.Random) -> Pool:
        settings = self._settings
        replicas = [
            Seat(
                self.target(each.name, "replica", self._places[each.name]),
                model.served_name,
                each.weight,
                each.usd_per_hour,
            )
            for each in model.replicas
        ]
        clouds = [
            Seat(self.target(each.cloud, "cloud", self._cloud_places[each.cloud]), each.model)
            for each in model.fallback
        ]
        return Pool(
            name=model.name,
            aliases=model.aliases,
            replicas=tuple(replicas),
            clouds=tuple(clouds),
            timeouts=model.timeouts,
            queueing=model.queueing,
            tariff=Tariff(model.price),
            ranker=RANKERS[settings.ranking],
            rng=rng,
            stale_s=settings.watch.stale_s,
        )
