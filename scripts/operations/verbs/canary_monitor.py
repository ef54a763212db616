"""Compare a canary with its control, from Prometheus. Exit code 0: good, 1: breach, 2: too little data."""

from __future__ import annotations

import argparse
import json
import sys
import time

from operations.begin import looker_for
from operations.errors import Breach, TooLittleData
from operations.interrupts import Interrupts
from operations.judge import judge
from operations.platforms import chosen
from operations.prometheus import Prometheus, Window, at
from operations.verbs.deploy import add_demands, demands_of
from operations.words import COLOURS, other


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--canary", choices=COLOURS, required=True, help="the colour of the new version")
    parser.add_argument("--window", type=float, default=600, metavar="S", help="the last so many seconds (600)")
    parser.add_argument("--until", type=float, metavar="UNIX", help="the end of the window, in Unix time (now)")
    parser.add_argument("--json", action="store_true", help="all numbers, for programs")
    add_demands(parser)
    chosen.add_arguments(parser)


def run(options: argparse.Namespace, interrupts: Interrupts) -> None:
    """Raises Breach or TooLittleData with the numbers, or CannotAsk."""
    end = time.time() if options.until is None else options.until
    canary = Window(options.canary, end - options.window, end)
    control = Window(other(options.canary), canary.start, canary.end)
    get = at(options.prometheus) if options.prometheus else looker_for(options, interrupts).platform.ask_prometheus
    shows = sys.stderr if options.dry_run else None
    report = judge(Prometheus(get, shows), canary, control, demands_of(options))
    print(json.dumps(report.as_json(), indent=1) if options.json else "\n".join(map(str, report.checks)))
    if report.verdict == "breach":
        raise Breach(report.why)
    if report.verdict != "good":
        raise TooLittleData(report.why)
