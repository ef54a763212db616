"""Show what runs, who gets which share, and the last changes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence

from operations.begin import looker_for
from operations.interrupts import Interrupts
from operations.platforms import chosen
from operations.words import COLOURS, Picture

COLUMNS = ("unit", "colour", "share", "version", "ready", "drained", "in flight")
LAST = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")
    chosen.add_arguments(parser)


def run(options: argparse.Namespace, interrupts: Interrupts) -> None:
    """Raises CannotAsk."""
    site = looker_for(options, interrupts)
    picture, under_way = site.platform.picture(), site.releases.read().under_way
    audit = site.audit.last(LAST)
    if options.json:
        now = None if under_way is None else {"what": under_way.what, "who": under_way.who, "step": under_way.step}
        versions = {colour: picture.version(colour) for colour in COLOURS}
        told = {**picture.as_json(), "serving": picture.serving, "versions": versions, "under_way": now, "last": audit}
        print(json.dumps(told, indent=1))
        return
    print(_table(COLUMNS, _rows(picture)))
    if under_way is not None:
        print(f"\nunder way, or left by a run that was killed: {under_way.who}'s {under_way.what}: {under_way.step}")
    print()
    names = ("when", "who", "what", "from", "to", "outcome", "why")
    print(_table(names, ([str(line.get(name, ""))[:60] for name in names] for line in audit)))


def _rows(picture: Picture) -> Iterable[Sequence[str]]:
    yes_no = {True: "yes", False: "no"}
    for unit in picture.units:
        share = f"{picture.shares[unit.colour]} %"
        state = (yes_no[unit.ready], yes_no[unit.drained], str(unit.in_flight))
        yield unit.name, unit.colour, share, unit.version or "-", *state


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
