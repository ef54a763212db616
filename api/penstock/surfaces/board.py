"""How the instance stands, all of it: for the status page, for `penstock status`, for programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel

from penstock import __version__
from penstock.surfaces.attention import Attention, attention_of
from penstock.surfaces.figures import Dollars, Figures, Series, dollars_of, figures_of, series_of
from penstock.surfaces.standing import Standing, standing_of
from penstock.telemetry.incidents import Incident, Incidents
from penstock.telemetry.lately import Counts, Lately
from penstock.upstream.roster import Roster

Readiness = Literal["ready", "draining", "no models", "no callers"]

INCIDENTS = 20
RECENT_S = 60.0
"""What calls for attention is judged by the last so many seconds."""


class IncidentCard(BaseModel):
    at: str
    says: str


class ModelStatus(BaseModel):
    name: str
    aliases: list[str]
    lately: Figures
    targets: list[Standing]


class Status(BaseModel):
    """No URL, key, prompt or answer stands here."""

    version: str
    state: Readiness
    at: str
    up_s: float
    keyed: bool
    """Operators need a key."""
    store_up: bool
    attention: list[Attention]
    lately_s: float
    """How long `lately` is."""
    lately: Figures
    since_start: Dollars
    series: Series
    models: list[ModelStatus]
    unplaced: list[Standing]
    """Replicas that have not told their models yet."""
    incidents: list[IncidentCard]


@dataclass(slots=True)
class Board:
    """Reads the parts when it is asked. It costs the requests nothing."""

    roster: Roster
    lately: Lately
    incidents: Incidents
    readiness: Callable[[], Readiness]
    store_up: Callable[[], bool]
    callers_age_s: Callable[[], float]
    keyed: bool
    _began: float = field(default_factory=time.monotonic, init=False)

    def status(self) -> Status:
        """Now."""
        span, recent = self.lately.span(), self.lately.span(RECENT_S)
        models = list(self._models(span.models, span.seconds))
        placed = {standing.id for model in models for standing in model.targets}
        unplaced = [standing_of(each) for name, each in self.roster.targets.items() if name not in placed]
        pools = {model.name: model.targets for model in models}
        return Status(
            version=__version__,
            state=self.readiness(),
            at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            up_s=round(time.monotonic() - self._began, 1),
            keyed=self.keyed,
            store_up=self.store_up(),
            attention=attention_of(
                self.readiness(), self.store_up(), self.callers_age_s(), pools, unplaced, recent.total
            ),
            lately_s=round(span.seconds, 1),
            lately=figures_of(span.total, span.seconds),
            since_start=dollars_of(self.lately.read().total),
            series=series_of(self.lately),
            models=models,
            unplaced=unplaced,
            incidents=[IncidentCard(at=each.at, says=each.says) for each in self._last_incidents()],
        )

    def _models(self, counted: Mapping[str, Counts], seconds: float) -> Iterator[ModelStatus]:
        for pool in self.roster.models:
            yield ModelStatus(
                name=pool.name,
                aliases=list(pool.aliases),
                lately=figures_of(counted.get(pool.name, Counts()), seconds),
                targets=[standing_of(seat.target, pool.stale_s) for seat in (*pool.replicas, *pool.clouds)],
            )

    def _last_incidents(self) -> Sequence[Incident]:
        return self.incidents.newest_first[:INCIDENTS]
