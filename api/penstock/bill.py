"""`penstock usage`: what callers used, as a running gateway tells it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock.asking import NotTold, ask, json_of

HEADS = ("caller", "model", "requests", "input tokens", "output tokens", "estimated", "paid", "saved")

Told = Mapping[str, Any]
"""The JSON of GET /admin/usage."""


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 done, 1 if the gateway does not tell; the reason is on stderr."""
    options = parser().parse_args(arguments)
    names = ("from", "to", "caller", "model")
    params = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    params["format"] = "csv" if options.csv else "json"
    try:
        response = ask(options.url, "/admin/usage", params)
        if options.csv:
            print(response.text, end="")
        elif options.json:
            print(json.dumps(json_of(response, "total")))
        else:
            print("\n".join(_lines(json_of(response, "total"))))
    except NotTold as error:
        print(f"penstock usage: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "penstock usage",
        description="Show what callers used: tokens and dollars. PENSTOCK_OPERATOR_KEY holds an operator's key.",
    )
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--from", metavar="DAY", help="the first day (UTC), as 2026-11-01; the first of its month")
    parser.add_argument("--to", metavar="DAY", help="the last day; today")
    parser.add_argument("--caller", help="of this caller alone")
    parser.add_argument("--model", help="of this model alone")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="by day, as the gateway tells it")
    forms.add_argument("--csv", action="store_true", help="by day, for a spreadsheet")
    return parser


def _lines(told: Told) -> Iterator[str]:
    """The days together: a line for each caller and model, and one for all."""
    yield f"{told['from']} to {told['to']}, days of UTC"
    sums: dict[tuple[str, str], dict[str, float]] = {}
    for row in told["data"]:
        sum_ = sums.setdefault((row["caller"], row["model"]), dict.fromkeys(told["total"], 0))
        for name in told["total"]:
            sum_[name] += row[name]
    cells = [HEADS, *(_cells(*names, used) for names, used in sorted(sums.items())), _cells("all", "", told["total"])]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        left = (text.ljust(width) for text, width in zip(line[:2], widths[:2], strict=True))
        right = (text.rjust(width) for text, width in zip(line[2:], widths[2:], strict=True))
        yield "  ".join((*left, *right))


def _cells(caller: str, model: str, used: Mapping[str, float]) -> tuple[str, ...]:
    estimated = used["estimated_input_tokens"] + used["estimated_output_tokens"]
    counts = (used["requests"], used["input_tokens"], used["output_tokens"], estimated)
    dollars = (used["cost_usd"], used["saved_usd"])
    return caller, model, *(f"{each:,}" for each in counts), *(f"${each:,.4f}" for each in dollars)
