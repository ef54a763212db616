"""The load that a person asks for: when requests are due, and how long they and their answers are."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from penstock.load import NoLoad
from penstock.load.arrivals import constant, ramp, spike
from penstock.load.lengths import SPELLED, spelled
from penstock.load.trace import Trace

from operations.errors import WrongUse
from operations.load.asking import Due, schedule
from operations.numbers import within

ARRIVALS = ("constant", "poisson", "ramp", "spike", "trace")
PROMPT, ANSWER = "20", "100"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    when = parser.add_argument_group("when requests are due")
    when.add_argument("--arrivals", choices=ARRIVALS, default="constant", help="all but constant and trace: by chance")
    when.add_argument("--rate", type=within(0.001, 10_000), default=10, help="requests a second (10)")
    when.add_argument("--seconds", type=within(0.1, 86_400), default=30, help="how long they are sent (30)")
    when.add_argument("--to", type=within(0, 10_000), metavar="RATE", help="where a ramp ends, how high a spike is")
    when.add_argument("--spike", type=within(0.1, 86_400), metavar="S", help="how long it lasts (a tenth of the time)")
    when.add_argument("--trace", type=Path, metavar="FILE", help="CSV as Azure publishes it, maybe .gz")
    when.add_argument("--speed-up", type=within(0.001, 1000), default=1, help="of the trace's gaps (1)")
    what = parser.add_argument_group("what is asked for")
    what.add_argument("--streams", type=within(0, 1), default=0.5, help="the share of them that are streams (0.5)")
    what.add_argument("--prompt-tokens", metavar="N", help=f"{SPELLED} ({PROMPT}, or the trace's)")
    what.add_argument("--answer-tokens", metavar="N", help=f"the same ({ANSWER}, or the trace's)")
    what.add_argument("--stream-seconds", type=within(0.01, 3600), metavar="S", help="streams are so long instead")
    what.add_argument("--tokens-per-second", type=within(0.1, 10_000), default=50, help="of such a stream (50)")
    what.add_argument("--seed", type=int, default=0, help="of what is drawn: the same gives the same (0)")


def plan(options: argparse.Namespace) -> Iterator[Due]:
    """All requests, in order. Raises WrongUse."""
    try:
        return _plan(options)
    except NoLoad as error:
        raise WrongUse(str(error)) from None


def _plan(options: argparse.Namespace) -> Iterator[Due]:
    trace = Trace(options.trace) if options.trace else None
    dues = schedule(_arrivals(options, trace), _lengths(options, trace), options.streams)
    if options.stream_seconds is None:
        return dues
    tokens = max(1, round(options.stream_seconds * options.tokens_per_second))
    return (replace(due, answer_tokens=tokens) if due.stream else due for due in dues)


def _arrivals(options: argparse.Namespace, trace: Trace | None) -> Iterator[float]:
    rate, seconds, to = options.rate, options.seconds, options.to
    if options.arrivals == "constant":
        return constant(rate, seconds).even()
    if options.arrivals == "poisson":
        return constant(rate, seconds).poisson(options.seed)
    if options.arrivals == "trace":
        if trace is None:
            raise WrongUse("--arrivals trace needs --trace FILE")
        return takewhile(lambda at: at < seconds, trace.arrivals(options.speed_up))
    if to is None:
        raise WrongUse(f"a {options.arrivals} needs --to, the rate that it reaches")
    if options.arrivals == "ramp":
        return ramp(rate, to, seconds).poisson(options.seed)
    lasting = seconds / 10 if options.spike is None else min(options.spike, seconds)
    return spike(rate, to, seconds, lasting).poisson(options.seed)


def _lengths(options: argparse.Namespace, trace: Trace | None) -> Iterator[tuple[int, int]]:
    prompts = _drawn(options.prompt_tokens, PROMPT, options.seed + 1)
    answers = _drawn(options.answer_tokens, ANSWER, options.seed + 2)
    if trace is None:
        return zip(prompts, answers, strict=False)
    real = trace.lengths()
    return (
        (next(prompts) if options.prompt_tokens else prompt, next(answers) if options.answer_tokens else answer)
        for prompt, answer in real
    )


def _drawn(told: str | None, usual: str, seed: int) -> Iterator[int]:
    return spelled(told or usual).draw(seed)
