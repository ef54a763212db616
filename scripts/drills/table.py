"""Times, as a line for whoever watches and as the table of the runbook."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from drills.drill import Times

HEADING = "## What the drills took"
HEAD = "| page | stated | detected | told | recovered | over |\n|---|---|---|---|---|---|\n"
_TABLE = re.compile(rf"(^{HEADING}$.*?^)\|.*?(?=^[^|]|\Z)", re.DOTALL | re.MULTILINE)
_ROW = re.compile(r"^\| \[(\w+)\]")


def line(times: Times) -> str:
    told = {
        "fires after": times.detected,
        "told after": times.told,
        "well after": times.recovered,
        "over after": times.over,
    }
    parts = [f"{what} {value:.1f} s" for what, value in told.items() if value is not None]
    stated = f" (stated: {times.stated:.1f} s)" if times.stated is not None else ""
    return f"{times.name}: {', '.join(parts)}{stated}"


def write(readme: Path, results: Iterable[Times]) -> None:
    """Put rows into the page's table, each in the place of one of its name, in order."""
    text = readme.read_text()
    found = _TABLE.search(text)
    if not found:
        raise ValueError(f"{readme} has no table under {HEADING}")
    rows = {named[1]: row for row in found[0].splitlines() if (named := _ROW.match(row))}
    rows |= {times.name: _row(times) for times in results}
    table = HEAD + "".join(f"{rows[name]}\n" for name in sorted(rows))
    readme.write_text(text[: found.start()] + found[1] + table + text[found.end() :])


def _row(times: Times) -> str:
    values = (times.stated, times.detected, times.told, times.recovered, times.over)
    cells = ["-" if value is None else f"{value:.1f} s" for value in values]
    return f"| [{times.name}]({times.name}.md) | {' | '.join(cells)} |"
