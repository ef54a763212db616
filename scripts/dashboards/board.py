"""A dashboard: its panels laid out in rows, its variables, its links, its marks on the time axis."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dashboards.panels import DATASOURCE, Json, Panel, Value

WIDTH = 24
SCHEMA = 41
"""Of Grafana 12; a later one brings it up to its own."""
_BROKEN = 3
"""How deep the JSON is broken into lines."""


@dataclass(frozen=True, slots=True)
class Variable:
    """Chosen by its reader among the values of a label, several or one."""

    name: str
    label: str
    values: str
    only: str = ""
    """One alone can be chosen; this, to begin with."""

    def json(self) -> Json:
        chosen: Json = {"current": {"text": self.only, "value": self.only}}
        several: Json = {
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        }
        shown: Json = {"label": self.label, "refresh": 2, "sort": 1, **(chosen if self.only else several)}
        return {**_variable(self.name, self.values), **shown}


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened, on the time axis of every panel."""

    name: str
    colour: str
    expr: str
    title: str

    def json(self) -> Json:
        told: Json = {"expr": self.expr, "titleFormat": self.title, "step": "30s"}
        return {"name": self.name, "datasource": DATASOURCE, "enable": True, "iconColor": self.colour, **told}


FIRING = Mark(
    "Alerts", "red", 'sum by (alertname, severity) (ALERTS{alertstate="firing"})', "{{alertname}} ({{severity}})"
)
MOVED = Mark("Deploys", "blue", "changes(edge_share[1m]) > 0", "the share of {{colour}} moved")


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. A string among `panels` begins a row of that title."""

    uid: str
    title: str
    asks: str
    """The question that it answers."""
    panels: Sequence[Panel | str]
    variables: Sequence[Variable] = ()
    marks: Sequence[Mark] = ()
    hours: int = 1

    def json(self) -> Json:
        return {
            "uid": self.uid,
            "title": f"Penstock: {self.title}",
            "description": self.asks,
            "tags": ["penstock"],
            "schemaVersion": SCHEMA,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": f"now-{self.hours}h", "to": "now"},
            "links": [_OTHERS, *(_link(place, title) for place, title in PLACES.items())],
            "templating": {"list": [_DATASOURCES, *(each.json() for each in self.variables), *map(_place, PLACES)]},
            "annotations": {"list": [mark.json() for mark in self.marks]},
            "panels": list(self._laid_out()),
        }

    def text(self) -> str:
        return _lines(self.json()) + "\n"

    def _laid_out(self) -> Iterator[Json]:
        x = y = tallest = 0
        for number, panel in enumerate(self.panels, 1):
            if isinstance(panel, str):
                yield _row(number, panel, y + tallest)
                x, y, tallest = 0, y + tallest + 1, 0
                continue
            if x + panel.width > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            yield panel.json(number, x, y)
            x, tallest = x + panel.width, max(tallest, panel.height)


PLACES = {"runbook": "Runbook", "status_page": "Status page"}
"""Labels of `penstock:places:info`, which says where they are."""
_DATASOURCES: Json = {
    "name": "datasource",
    "label": "Prometheus",
    "type": "datasource",
    "query": "prometheus",
    "current": {"text": "Prometheus", "value": "prometheus"},
}
_LINK: Json = {
    "title": "",
    "type": "link",
    "tooltip": "",
    "icon": "external link",
    "tags": [],
    "asDropdown": False,
    "includeVars": False,
    "keepTime": False,
    "targetBlank": False,
}
_OTHERS: Json = {**_LINK, "title": "Dashboards", "type": "dashboards", "tags": ["penstock"], "keepTime": True}


def _link(place: str, title: str) -> Json:
    return {**_LINK, "title": title, "url": f"${{{place}}}", "targetBlank": True}


def _row(number: int, title: str, y: int) -> Json:
    place: Json = {"x": 0, "y": y, "w": WIDTH, "h": 1}
    return {"id": number, "title": title, "type": "row", "collapsed": False, "gridPos": place, "panels": []}


def _variable(name: str, values: str) -> Json:
    query: Json = {"query": values, "refId": "A"}
    return {"name": name, "type": "query", "datasource": DATASOURCE, "query": query}


def _place(name: str) -> Json:
    hidden: Json = {"label": PLACES[name], "refresh": 1, "hide": 2}
    return {**_variable(name, f"label_values(penstock:places:info, {name})"), **hidden}


def _lines(value: Value, depth: int = 0) -> str:
    """JSON in which each panel, variable, link and mark is one line."""
    inner, end = "\n" + "  " * (depth + 1), "\n" + "  " * depth
    if isinstance(value, dict) and (depth == 0 or "list" in value):
        pairs = [f"{json.dumps(key)}: {_lines(each, depth + 1)}" for key, each in value.items()]
        return "{" + inner + ("," + inner).join(pairs) + end + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict) and depth < _BROKEN:
        return "[" + inner + ("," + inner).join(_lines(each, _BROKEN) for each in value) + end + "]"
    return json.dumps(value, ensure_ascii=False)
