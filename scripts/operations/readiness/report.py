"""What was found, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict

from operations.audit import now, who
from operations.readiness.finding import Seen

Found = Mapping[str, Seen]


def counted(found: Found) -> str:
    counts = Counter(seen.verdict for seen in found.values())
    return f"{counts['pass']} pass, {counts['fail']} fail, {counts['not applicable']} not applicable"


def line(name: str, seen: Seen) -> str:
    return f"{seen.verdict:14}  {name}: {seen.seen}"


def as_json(url: str, platform: str, found: Found) -> dict[str, object]:
    checks = [{"name": name, **asdict(seen)} for name, seen in found.items()]
    return {"url": url, "platform": platform, "when": now(), "who": who(), "checks": checks}


def markdown(url: str, platform: str, found: Found) -> str:
    head = [f"# Readiness of {url}", "", f"{now()}, by {who()}, on {platform}: {counted(found)}.", ""]
    table = ["| check | verdict | asked | seen |", "|---|---|---|---|"]
    rows = (
        f"| {name} | {_loud(seen.verdict)} | {_cell(seen.asked)} | {_cell(seen.seen)} |" for name, seen in found.items()
    )
    return "\n".join([*head, *table, *rows, ""])


def _loud(verdict: str) -> str:
    return "**fail**" if verdict == "fail" else verdict


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
