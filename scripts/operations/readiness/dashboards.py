"""The project's dashboards are in Grafana."""

from __future__ import annotations

import json

from operations.readiness.finding import Seen, judged
from operations.readiness.ground import Ground, listed


def present(ground: Ground) -> Seen:
    files = sorted((ground.project / "monitoring/grafana").rglob("*.json"))
    ours = {str(board["uid"]) for board in map(json.loads, (path.read_text() for path in files)) if "panels" in board}
    told = json.loads(ground.inside.grafana("/api/search?type=dash-db&limit=1000"))
    there = {str(each["uid"]) for each in told}
    wrong = [f"not there: {listed(ours - there)}"] if ours - there else []
    wrong += [] if ours else ["the project has none"]
    return judged(f"Grafana's list, against {len(ours)} of the project", wrong, listed(ours))
