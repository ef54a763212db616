"""Somebody will hear of it: Prometheus has every rule, and alerts lead somewhere."""

from __future__ import annotations

import re

from operations.readiness.finding import Seen, judged
from operations.readiness.ground import Ground, listed
from operations.readiness.secrets import read

ALERT = re.compile(r"^\s*(?:- *)?\{?alert: *(\w+)", re.MULTILINE)
RECEIVERS = ("slack_url", "pager_url")
NOWHERE = "none-yet"


def rules(ground: Ground) -> Seen:
    files = sorted((ground.project / "monitoring/prometheus/rules").glob("*.yml"))
    written = {name for path in files for name in ALERT.findall(path.read_text())}
    groups = ground.prometheus("/api/v1/rules")["groups"]
    loaded = [rule for group in groups for rule in group["rules"]]
    there = {str(group["file"]).rpartition("/")[2] for group in groups}
    alerts = {rule["name"] for rule in loaded if rule["type"] == "alerting"}
    ill = {rule["name"] for rule in loaded if rule.get("lastError") or rule["health"] == "err"}
    wrong = [f"not loaded: {listed(written - alerts)}"] if written - alerts else []
    wrong += [f"no group of: {listed(absent)}"] if (absent := {path.name for path in files} - there) else []
    wrong += [f"in error: {listed(ill)}"] if ill else []
    wrong += [] if alerts else ["there is no alert"]
    well = f"{len(alerts)} alerts and {len(loaded) - len(alerts)} recordings of {len(there)} files, none in error"
    return judged(f"the rules in Prometheus, against {len(files)} files of the project", wrong, well)


def receivers(ground: Ground) -> Seen:
    """They are somebody's, Alertmanager has its configuration, and nothing failed to be delivered for an hour."""
    found = read(ground.inside.secrets)
    wrong = [f"{name} leads nowhere yet" for name in RECEIVERS if NOWHERE in found.get(name, NOWHERE)]
    loaded = ground.values("alertmanager_config_last_reload_successful")
    wrong += [] if loaded and min(loaded) == 1 else ["Alertmanager is not read by Prometheus, or has no valid file"]
    failed = sum(ground.values("increase(alertmanager_notifications_failed_total[1h])"))
    wrong += [f"{failed:.0f} notifications could not be delivered within an hour"] if failed else []
    found_by = ground.prometheus("/api/v1/alertmanagers")["activeAlertmanagers"]
    wrong += [] if found_by else ["Prometheus knows no Alertmanager"]
    return judged(
        "where alerts go, and whether they arrived", wrong, f"{', '.join(RECEIVERS)}; none failed within an hour"
    )
