"""Pools and targets as the settings say, made from those that were there before."""

from __future__ import annotations

import random
from collections.abc import Callable

from penstock.settings import Settings
from penstock.settings.parts import Model
from penstock.upstream.pool import Pool, Seat
from penstock.upstream.rank import RANKERS
from penstock.upstream.target import Kind, Target


class Build:
    """Pools and targets from settings, with the targets kept that are as they were."""

    def __init__(
        self,
        settings: Settings,
        models: list[Model],
        new: Callable[[Settings, str, Kind, str, str], Target],
        kept: dict[str, Target],
    ) -> None:
        self.models = models
        self.targets: dict[str, Target] = {}
        self._settings = settings
        self._new = new
        self._kept = kept
        self._keys = {each.name: settings.secret(each.api_key_env) for model in models for each in model.replicas}
        self._cloud_keys = {name: settings.secret(cloud.api_key_env) for name, cloud in settings.clouds.items()}

    def target(self, name: str, kind: Kind, url: str, key: str) -> Target:
        if name not in self.targets:
            kept = self._kept.get(name)
            same = kept is not None and kept.is_at(kind, url, key)
            self.targets[name] = kept if kept and same else self._new(self._settings, name, kind, url, key)
        return self.targets[name]

    def pool(self, model: Model, rng: random.Random) -> Pool:
        settings = self._settings
        replicas = [
            Seat(
                self.target(each.name, "replica", each.url, self._keys[each.name]),
                model.served_name,
                each.weight,
            )
            for each in model.replicas
        ]
        clouds = [
            Seat(
                self.target(each.cloud, "cloud", settings.clouds[each.cloud].base_url, self._cloud_keys[each.cloud]),
                each.model,
            )
            for each in model.fallback
        ]
        return Pool(
            name=model.name,
            aliases=model.aliases,
            replicas=tuple(replicas),
            clouds=tuple(clouds),
            timeouts=model.timeouts,
            price=model.price,
            ranker=RANKERS[settings.ranking],
            rng=rng,
            stale_s=settings.watch.stale_s,
        )
