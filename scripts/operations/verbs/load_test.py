"""Send POSTs at a steady rate over kept connections, a part of them streams. Exit code 1: something failed or broke."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from pathlib import Path

from operations.errors import StepFailed
from operations.interrupts import Interrupts
from operations.load.run import Load, Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="where /v1 begins (http://127.0.0.1:8080)")
    parser.add_argument("--rate", type=float, default=10, help="requests a second, whatever becomes of them (10)")
    parser.add_argument("--seconds", type=float, default=30, help="how long they are sent (30)")
    parser.add_argument("--streams", type=float, default=0.5, help="the share of them that are streams (0.5)")
    parser.add_argument("--stream-seconds", type=float, default=5, metavar="S", help="how long a stream lasts (5)")
    parser.add_argument("--tokens-per-second", type=float, default=50, help="of the model, to tell it how much (50)")
    parser.add_argument("--model", default="demo", help="which is asked for (demo)")
    parser.add_argument("--key", default=os.environ.get("PENSTOCK_KEY", ""), help="better in PENSTOCK_KEY")
    parser.add_argument("--insecure", action="store_true", help="take any certificate")
    parser.add_argument("--timeout", type=float, default=120, metavar="S", help="for one whole answer (120)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the numbers, and every request")


def run(options: argparse.Namespace, interrupts: Interrupts) -> None:
    """Raises StepFailed with how many failed and broke, Interrupted after telling what there was until then."""
    plan = plan_of(options)
    if options.dry_run:
        print(f"{plan.count} requests, such as:\n{plan.request(plan.count - 1).decode()}")
        return
    load = Load(plan, lambda: interrupts.came)
    outcome = asyncio.run(load.run())
    print(json.dumps(outcome.summary(), indent=1))
    if options.json:
        options.json.write_text(json.dumps(outcome.as_json()))
    interrupts.check()
    if not outcome.whole:
        raise StepFailed(f"{outcome.count('failed')} failed, {outcome.count('broken')} broke")


def plan_of(options: argparse.Namespace) -> Plan:
    tokens = max(1, round(options.stream_seconds * options.tokens_per_second))
    return Plan(
        options.url,
        options.rate,
        options.seconds,
        options.streams,
        stream_tokens=tokens,
        model=options.model,
        key=options.key,
        insecure=options.insecure,
        timeout_s=options.timeout,
    )
