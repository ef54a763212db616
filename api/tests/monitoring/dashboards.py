"""The project's dashboards, as their files have them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.monitoring.watchers import MONITORING
from tests.talk import Json

FOLDER = MONITORING / "grafana/dashboards"
FILES = sorted(FOLDER.glob("*.json"))
OURS = {"__rate_interval": "15s", "datasource": ""}
"""Variables that no query of the dashboard's fills."""


class Panel(NamedTuple):
    """A panel that shows something: no row."""

    board: str
    json: Json

    @property
    def name(self) -> str:
        return f"{self.board}: {self.json['title']}"

    @property
    def defaults(self) -> Json:
        return dict(self.json["fieldConfig"]["defaults"])

    @property
    def exprs(self) -> list[str]:
        return [target["expr"] for target in self.json["targets"]]

    def units(self) -> Iterator[tuple[str, str]]:
        """Each query with the unit of what it finds."""
        by_column = {
            each["matcher"]["options"]: prop["value"]
            for each in self.json["fieldConfig"]["overrides"]
            for prop in each["properties"]
            if prop["id"] == "unit"
        }
        units = list(by_column.values()) if self.json["type"] == "table" else []
        for number, expr in enumerate(self.exprs):
            yield expr, units[number] if units else self.defaults["unit"]


class Board(NamedTuple):
    """A dashboard."""

    path: Path
    json: Json

    @property
    def uid(self) -> str:
        return str(self.json["uid"])

    @property
    def panels(self) -> list[Panel]:
        return [Panel(self.uid, each) for each in self.json["panels"] if each["type"] != "row"]

    @property
    def variables(self) -> list[dict[str, Any]]:
        return list(self.json["templating"]["list"])

    @property
    def asked(self) -> dict[str, tuple[str, str]]:
        """Variables that a query fills: metric and label by name."""
        found = {}
        for each in self.variables:
            if each["type"] == "query":
                match = re.fullmatch(r"label_values\(([\w:]+), (\w+)\)", each["query"]["query"])
                assert match, each
                found[each["name"]] = (match[1], match[2])
        return found

    @property
    def marks(self) -> list[str]:
        return [each["expr"] for each in self.json["annotations"]["list"]]

    def exprs(self) -> list[str]:
        """Of all panels and marks, and what fills the variables."""
        shown = [expr for panel in self.panels for expr in panel.exprs]
        return [*shown, *self.marks, *(metric for metric, _ in self.asked.values())]


BOARDS = [Board(path, json.loads(path.read_text())) for path in FILES]
PANELS = [panel for board in BOARDS for panel in board.panels]


def filled(expr: str, values: dict[str, str]) -> str:
    """The query as Grafana sends it."""
    sent = re.sub(r"\$\{?(\w+)\}?", lambda found: {**OURS, **values}[found[1]], expr)
    assert "$" not in sent
    return sent
