"""Kinds of panels, and the little of Grafana's JSON that tells them from its defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import starmap

Json = Mapping[str, "Value"]
Value = str | float | bool | None | Sequence["Value"] | Json
Words = Mapping[str, str]
DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}

Step = tuple[float | None, str]
"""From which value on a colour holds; None: from below."""
GREEN: tuple[Step, ...] = ((None, "green"),)
PLAIN: tuple[Step, ...] = ((None, "text"),)
NONE_IS_GOOD: tuple[Step, ...] = ((None, "green"), (1, "red"))

ALLOWED = "allowed"
"""The legend of what is planned or promised: a dashed red line."""
TOKENS = "suffix: tokens/s"


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and what to call the series that it finds."""

    expr: str
    legend: str = ""

    def json(self, letter: str, more: Json) -> Json:
        legend: Json = {"legendFormat": self.legend} if self.legend else {}
        return {"refId": letter, "expr": self.expr, **legend, **more}


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `defaults`: of its fields; `overrides`: by a field's name."""

    kind: str
    title: str
    says: str
    queries: tuple[Query, ...]
    defaults: Json
    width: int = 8
    height: int = 8
    overrides: Mapping[str, Json] = field(default_factory=dict)
    query_options: Json = field(default_factory=dict)
    more: Json = field(default_factory=dict)

    def sized(self, width: int, height: int) -> Panel:
        return replace(self, width=width, height=height)

    def json(self, number: int, x: int, y: int) -> Json:
        letters = zip("ABCDEF", self.queries, strict=False)
        return {
            "id": number,
            "title": self.title,
            "type": self.kind,
            "description": self.says,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "datasource": DATASOURCE,
            "targets": [query.json(letter, self.query_options) for letter, query in letters],
            "fieldConfig": {"defaults": self.defaults, "overrides": [*starmap(_override, self.overrides.items())]},
            **self.more,
        }


def _override(name: str, properties: Json) -> Json:
    changed: Sequence[Json] = [{"id": key, "value": value} for key, value in properties.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": changed}


def series(
    title: str, says: str, unit: str, *queries: Query, most: float | None = None, stacked: bool = False
) -> Panel:
    """Lines over time from 0 up, to `most` if that is known."""
    above: Json = {"max": most} if most else {}
    custom: Json = {"custom": {"stacking": {"mode": "normal"}, "fillOpacity": 30}} if stacked else {}
    line: Json = {
        "color": {"mode": "fixed", "fixedColor": "red"},
        "custom.lineStyle": {"fill": "dash", "dash": [10, 10]},
    }
    overrides = {ALLOWED: line} if any(query.legend == ALLOWED for query in queries) else {}
    options: Json = {"tooltip": {"mode": "multi", "sort": "desc"}, "legend": _LEGEND}
    defaults: Json = {"unit": unit, "min": 0, **above, **custom}
    return Panel("timeseries", title, says, queries, defaults, overrides=overrides, more={"options": options})


def stat(
    title: str, says: str, unit: str, *queries: Query, steps: Sequence[Step], names: Mapping[str, str] | None = None
) -> Panel:
    """The last value, large, coloured by steps. `names`: words for some values."""
    thresholds: Json = {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in steps]}
    words: Json = (
        {"mappings": [{"type": "value", "options": {k: {"text": v} for k, v in names.items()}}]} if names else {}
    )
    return Panel("stat", title, says, queries, {"unit": unit, "thresholds": thresholds, **words}, 4, 4)


def timeline(title: str, says: str, query: Query, states: Mapping[int, tuple[str, str]]) -> Panel:
    """States over time, a band for each series: each value's word and colour."""
    words = {str(value): {"text": text, "color": colour} for value, (text, colour) in states.items()}
    defaults: Json = {"unit": "none", "mappings": [{"type": "value", "options": words}]}
    options: Json = {
        "showValue": "never",
        "mergeValues": True,
        "rowHeight": 0.9,
        "tooltip": {"mode": "single", "sort": "none"},
        "legend": _LEGEND,
    }
    return Panel("state-timeline", title, says, (query,), defaults, more={"options": options})


def table(
    title: str, says: str, columns: Mapping[str, tuple[str, Query]], *, links: Mapping[str, str] | None = None
) -> Panel:
    """The labels of what is found now, and a column with its unit for each query. `links`: of a column, to a URL."""
    several = len(columns) > 1
    names = {f"Value #{letter}" if several else "Value": name for letter, name in zip("ABCDEF", columns, strict=False)}
    overrides: dict[str, Json] = {name: {"unit": unit} for name, (unit, _) in columns.items()}
    for name, url in (links or {}).items():
        overrides[name] = {"links": [{"title": "Runbook", "url": url, "targetBlank": True}]}
    organize: Json = {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": names}}
    return Panel(
        "table",
        title,
        says,
        tuple(query for _, query in columns.values()),
        {"unit": "none", "noValue": "none"},
        24,
        8,
        overrides,
        {"format": "table", "instant": True},
        {"transformations": [{"id": "merge", "options": {}}, organize]},
    )


_LEGEND: Json = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
