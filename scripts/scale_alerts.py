#!/usr/bin/env python3
"""Copy a folder of rules, or Alertmanager's, with its times scaled: a drill need not wait as long as a night does.

    scripts/scale_alerts.py FROM TO [--by 0.1] [--windows 0.1] [--longest 60]

`--by` scales how long an alert must hold (for, keep_firing_for) and what Alertmanager waits (group_wait,
group_interval, repeat_interval); `--windows` the ranges that rules look back over, whose names then say more than is
true, and with them what is planned for such a range (plan:...:increase1d). No time becomes shorter than a second, no
range shorter than `--shortest` seconds: it must hold a few scrapes; nor longer than `--longest`.
"""

import argparse
import math
import re
from pathlib import Path

SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
WAIT = re.compile(
    r"^(\s*(?:- )?(?:for|keep_firing_for|group_wait|group_interval|repeat_interval): )(\d+)(ms|[smhdw])\b", re.M
)
RANGE = re.compile(r"(last_over_time\([^\[]*\[|\[)(\d+)(ms|[smhdw])(?=\])")
"""One of `last_over_time` is how long something is remembered: nobody waits for it."""
PLANNED = re.compile(r"(:increase(\d+)(ms|[smhdw])\W+expr: vector\()([\d.]+)")


def scale(text: str, times: re.Pattern[str], by: float, shortest_s: float, longest_s: float = math.inf) -> str:
    """The text with every time that the pattern finds scaled, in whole milliseconds."""
    if by >= 1:
        return text

    def shorter(found: re.Match[str]) -> str:
        if found[1].startswith("last_over_time"):
            return found[0]
        return f"{found[1]}{round(1000 * scaled(found[2], found[3], by, shortest_s, longest_s))}ms"

    return times.sub(shorter, text)


def scale_plans(text: str, by: float, shortest_s: float, longest_s: float) -> str:
    """The text with each amount that is planned for a range as much smaller as the range becomes."""

    def smaller(found: re.Match[str]) -> str:
        whole = int(found[2]) * SECONDS[found[3]]
        return f"{found[1]}{float(found[4]) * scaled(found[2], found[3], by, shortest_s, longest_s) / whole:g}"

    return PLANNED.sub(smaller, text)


def scaled(count: str, unit: str, by: float, shortest_s: float, longest_s: float) -> float:
    """Seconds."""
    seconds = int(count) * SECONDS[unit]
    return min(seconds, max(seconds * by, shortest_s), longest_s)


def main() -> None:
    parser = argparse.ArgumentParser(description="Copy rules with their times scaled.")
    parser.add_argument("source", type=Path, metavar="FROM")
    parser.add_argument("target", type=Path, metavar="TO")
    parser.add_argument("--by", type=float, default=0.1, help="for waits (0.1)")
    parser.add_argument("--windows", type=float, default=1.0, help="for the ranges of rules (1)")
    parser.add_argument("--shortest", type=float, default=15.0, help="seconds that a range keeps at least (15)")
    parser.add_argument("--longest", type=float, default=math.inf, help="seconds that a range keeps at most")
    asked = parser.parse_args()
    asked.target.mkdir(parents=True, exist_ok=True)
    for file in sorted(asked.source.glob("*.yml")):
        text = scale(file.read_text(), WAIT, asked.by, 1.0)
        text = scale_plans(text, asked.windows, asked.shortest, asked.longest)
        text = scale(text, RANGE, asked.windows, asked.shortest, asked.longest)
        (asked.target / file.name).write_text(text)


if __name__ == "__main__":
    main()
