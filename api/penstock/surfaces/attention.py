"""What somebody has to look at, in sentences: the status page's headline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel

from penstock.surfaces.standing import Standing
from penstock.telemetry.lately import Counts

Level = Literal["warning", "critical"]

ERROR_SHARE = 0.05
ENOUGH = 20
"""Requests, before a share of them says anything."""
CALLERS_OLD_S = 5.0


class Attention(BaseModel):
    """`critical`: clients get errors, or a whole pool is gone."""

    level: Level
    says: str


def attention_of(
    state: str,
    store_up: bool,
    callers_age_s: float,
    pools: Mapping[str, Sequence[Standing]],
    unplaced: Sequence[Standing],
    recent: Counts,
) -> list[Attention]:
    """The worst first; nothing where all is well."""
    all_of_it = _all(state, store_up, callers_age_s, pools, unplaced, recent)
    told = [Attention(level=level, says=says) for level, says in all_of_it]
    return sorted(told, key=lambda each: each.level != "critical")


def _all(
    state: str,
    store_up: bool,
    callers_age_s: float,
    pools: Mapping[str, Sequence[Standing]],
    unplaced: Sequence[Standing],
    recent: Counts,
) -> Iterator[tuple[Level, str]]:
    if state == "draining":
        yield "warning", "This instance is draining: it will be gone soon."
    if state == "no models":
        yield "critical", "No model is served."
    if state == "no callers":
        yield "critical", "Callers and their keys could not be read yet, so no requests are let in for them."
    for name, targets in pools.items():
        yield from _of_pool(name, targets)
    if unplaced:
        yield "warning", f"These have not told their models yet: {', '.join(each.id for each in unplaced)}."
    if recent.requests >= ENOUGH and recent.errors > ERROR_SHARE * recent.requests:
        yield "critical", f"{recent.errors / recent.requests:.0%} of the last minute's requests ended in errors."
    if not store_up:
        yield "warning", "Redis is away: the instances do not hear of each other."
    if callers_age_s >= CALLERS_OLD_S and state != "no callers":
        yield "warning", f"Callers cannot be read for {callers_age_s:.0f} s: a key that was revoked since still opens."


def _of_pool(name: str, targets: Sequence[Standing]) -> Iterator[tuple[Level, str]]:
    replicas = [each for each in targets if each.kind == "replica"]
    out = [each for each in replicas if each.out_for]
    clouds_out = [each for each in targets if each.kind == "cloud" and each.out_for]
    told = ", ".join(f"{each.id} ({each.out_for})" for each in out)
    if len(clouds_out) + len(out) == len(targets):
        yield "critical", f"{name}: nothing can answer."
    elif out and len(out) == len(replicas):
        yield "critical", f"{name}: no replica can answer, the cloud does. Out: {told}."
    elif out:
        yield "warning", f"{name}: {len(out)} of {len(replicas)} replicas out: {told}."
    for cloud in clouds_out:
        yield "warning", f"{name}: the cloud {cloud.id} is out ({cloud.out_for})."
