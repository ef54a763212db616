"""Send requests when they are due, whatever becomes of those before, and tell what became of them."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
from pathlib import Path

from operations.errors import StepFailed, TooLittleData
from operations.interrupts import Interrupts
from operations.load import report, wishes
from operations.load.asking import Door
from operations.load.outcome import LATE_S, Outcome
from operations.load.progress import shown
from operations.load.run import Limits, Load
from operations.numbers import share, within
from operations.telling import tell


def add_arguments(parser: argparse.ArgumentParser) -> None:
    limits = Limits()
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="where /v1 begins (http://127.0.0.1:8080)")
    parser.add_argument("--model", default="demo", help="which is asked for (demo)")
    parser.add_argument("--key", default=os.environ.get("PENSTOCK_KEY", ""), help="better in PENSTOCK_KEY")
    parser.add_argument("--insecure", action="store_true", help="take any certificate")
    wishes.add_arguments(parser)
    group = parser.add_argument_group("limits")
    group.add_argument("--timeout", type=within(0.1, 3600), default=limits.timeout_s, metavar="S", help="(120)")
    group.add_argument("--open", type=within(1, 60_000), default=limits.in_flight, help="at once at most (4096)")
    group.add_argument("--max-late", type=within(0, 60_000), default=LATE_S * 1000, metavar="MS", help="we may be (50)")
    group.add_argument("--max-errors", type=share, default=0, metavar="PERCENT", help="that are no failure (0)")
    told = parser.add_argument_group("what is told")
    told.add_argument("--progress", type=within(0, 3600), default=5, metavar="S", help="a line so often; 0: none (5)")
    told.add_argument("--json", type=Path, metavar="FILE", help="the numbers, and every request")
    told.add_argument("--report", type=Path, metavar="FOLDER", help="the same, a page and a picture")


def run(options: argparse.Namespace, interrupts: Interrupts) -> None:
    """Raises StepFailed if too many failed, TooLittleData if the sender itself was late, Interrupted.

    The numbers until then are told in each case.
    """
    door = Door(options.url, options.model, options.key, options.insecure)
    due = wishes.plan(options)
    if options.dry_run:
        dues = list(due)
        example = door.request(dues[0]).decode() if dues else ""
        print(f"{len(dues)} requests in {options.seconds:g} s, such as:\n{example}")
        return
    load = Load(
        door, due, Limits(options.timeout, int(options.open)), lambda: interrupts.came, Outcome(options.max_late / 1000)
    )
    outcome = asyncio.run(_with_progress(load, options.progress))
    _write(options, outcome)
    interrupts.check()
    judge(outcome, options.max_errors)


def judge(outcome: Outcome, max_errors: float) -> None:
    """Raises what is wrong with it."""
    if outcome.error_rate > max_errors or not outcome.samples:
        raise StepFailed(f"{outcome.count('failed')} failed, {outcome.count('broken')} broke of {len(outcome.samples)}")
    if not outcome.valid:
        raise TooLittleData(f"not valid: {report.not_valid(outcome)}")


async def _with_progress(load: Load, every_s: float) -> Outcome:
    if not every_s:
        return await load.run()
    telling = asyncio.create_task(shown(load, every_s))
    try:
        return await load.run()
    finally:
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling


def _write(options: argparse.Namespace, outcome: Outcome) -> None:
    print(json.dumps(outcome.summary(), indent=1))
    if options.json:
        options.json.write_text(json.dumps(outcome.as_json()))
    if options.report:
        title = f"{options.arrivals} load on {options.url}, {options.model}"
        if why := report.write(options.report, title, outcome):
            tell(why)
        tell(f"report: {options.report / 'load.html'}")
