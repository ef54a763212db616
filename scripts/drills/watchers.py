"""What Prometheus says of an alert, and what its receiver was told."""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from itertools import pairwise
from typing import Any

from drills.errors import DrillFailed

NOTICED_S = 3.0
"""What a gateway may take to find a replica sick in the drill's stack, and the edge an instance."""
_RANGE = re.compile(r"(last_over_time\([^\[]*)?\[((?:\d+(?:ms|[smhdw]))+)\]")
"""One of `last_over_time` is how long something is remembered: nobody waits for it."""
_PART = re.compile(r"(\d+)(ms|[smhdw])")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_RECORDING = re.compile(r"\b[a-z_]+:\w+:\w+")
_SCRAPE = re.compile(r"^  scrape_interval: (\w+)", re.MULTILINE)


def ask(url: str, path: str, **words: str) -> Any:
    """JSON. Raises DrillFailed if nobody answers."""
    query = f"?{urllib.parse.urlencode(words)}" if words else ""
    try:
        with urllib.request.urlopen(url.rstrip("/") + path + query, timeout=10) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise DrillFailed(f"{url}{path} cannot be asked: {error}") from None


class Prometheus:
    def __init__(self, url: str) -> None:
        self._url = url

    def firing(self, alert: str) -> bool:
        told = ask(self._url, "/api/v1/alerts")["data"]["alerts"]
        return any(each["labels"]["alertname"] == alert and each["state"] == "firing" for each in told)

    def environment(self) -> str:
        """What the deployment calls itself in `external_labels`; empty if it does not say."""
        found = re.search(r"^    environment: *['\"]?([\w-]+)", self._config(), re.MULTILINE)
        return found[1] if found else ""

    def stated_s(self, alert: str) -> float:
        """How long it may take to fire: what it holds, the longest range that it looks over, a scrape, two evaluations.

        NOTICED_S goes with it. Of several rules with the name the quickest counts. Raises DrillFailed if there is none.
        """
        groups = ask(self._url, "/api/v1/rules")["data"]["groups"]
        rules = [(rule, float(group["interval"])) for group in groups for rule in group["rules"]]
        texts = {rule["name"]: rule["query"] for rule, _ in rules if rule["type"] == "recording"}
        waits = [
            rule["duration"] + _longest_range(rule["query"], texts) + 2 * interval + self._scrape_s() + NOTICED_S
            for rule, interval in rules
            if rule["type"] == "alerting" and rule["name"] == alert
        ]
        if not waits:
            raise DrillFailed(f"Prometheus has no alert {alert}")
        return float(min(waits))

    def _scrape_s(self) -> float:
        found = _SCRAPE.search(self._config())
        return _seconds(found[1]) if found else 60

    def _config(self) -> str:
        return str(ask(self._url, "/api/v1/status/config")["data"]["yaml"])


def _longest_range(query: str, recordings: dict[str, str]) -> float:
    own = [_seconds(text) for memory, text in _RANGE.findall(query) if not memory]
    others = [_longest_range(recordings[name], recordings) for name in _RECORDING.findall(query) if name in recordings]
    return max([*own, *others], default=0)


def _seconds(text: str) -> float:
    """Of a duration like 1m30s."""
    return sum(int(count) * _SECONDS[unit] for count, unit in _PART.findall(text))


class Receiver:
    """What came to Slack, which hears of every alert."""

    def __init__(self, url: str) -> None:
        self._url = url

    def told(self, alert: str, since: float) -> bool:
        """Whether it heard since then that it fires."""
        return False in self._over(alert, since)

    def told_over(self, alert: str, since: float) -> bool:
        """Whether the last that it heard since then is that it is over."""
        return self._over(alert, since)[-1:] == [True]

    def _over(self, alert: str, since: float) -> list[bool]:
        """Of each message about it, whether that says that it is over. A message may be of other alerts too."""
        found = []
        for message in ask(self._url, "/"):
            said = (message["body"].get("attachments") or [{}])[0].get("text", "").splitlines()
            summaries = [before for before, line in pairwise(said) if f"/{alert}.md " in line]
            if message["at"] >= since and summaries:
                found.append(all(each.startswith("over: ") for each in summaries))
        return found
