"""What the parts of the settings say of one another must agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from penstock.settings.parts import Cloud, Model, Replica


def targets_are_told_apart(models: Iterable[Model], clouds: Mapping[str, Cloud], urls: Iterable[str]) -> None:
    """One name, one place. Raises ValueError."""
    places: dict[str, object] = {**clouds}
    listed = (each for model in models for each in model.replicas)
    for each in (*listed, *(Replica(url=url) for url in urls)):
        place = (each.url, each.api_key_env, each.tls)
        if places.setdefault(each.name, place) != place:
            raise ValueError(f"two targets have the name {each.name!r}: give one of them another `id`")


def names_agree(models: Iterable[Model], clouds: Mapping[str, Cloud]) -> None:
    """One name, one model; and each fallback has its cloud. Raises ValueError."""
    taken: set[str] = set()
    for model in models:
        for name in (model.name, *model.aliases):
            if name in taken:
                raise ValueError(f"two models answer to the name {name!r}: rename one or drop the alias")
            taken.add(name)
        for fallback in model.fallback:
            if fallback.cloud not in clouds:
                raise ValueError(f"model {model.name!r} falls back to {fallback.cloud!r}, which `clouds` does not name")
