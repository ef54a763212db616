"""The requests of a simulation: when each comes, how long it is, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise, repeat, takewhile
from math import inf
from random import Random
from typing import NamedTuple

from penstock.capacity.inputs import Inputs
from penstock.costing.selfhost import SECONDS
from penstock.load import NoLoad
from penstock.load.arrivals import constant
from penstock.load.lengths import spelled
from penstock.load.trace import Trace

MOST = 50_000
"""Requests of one simulation."""


class Asked(NamedTuple):
    """A request: when it comes, in seconds, and its tokens."""

    at: float
    prompt: int
    answer: int


@dataclass(slots=True, eq=False)
class Call:
    """A request at the pool. Seconds from its arrival; infinite for what never comes."""

    asked: Asked
    first_token_s: float = inf
    total_s: float = inf
    moves: int = 0
    """How often a replica was lost under it before its first token."""


def rate_of(inputs: Inputs) -> Decimal | None:
    """Requests a second at the peak; None where a trace says when they come."""
    if inputs.requests is not None:
        return inputs.requests * inputs.peak_factor / SECONDS
    return inputs.rate


def asked_by(inputs: Inputs) -> list[Asked]:
    """In order. The same inputs give the same. Raises NoLoad."""
    trace = Trace(inputs.trace) if inputs.trace else None
    seconds = float(inputs.minutes) * 60
    found: list[Asked] = []
    for at, (prompt, answer) in zip(_arrivals(inputs, trace, seconds), _lengths(inputs, trace), strict=False):
        found.append(Asked(at, max(1, prompt), max(1, answer)))
        if len(found) > MOST:
            raise NoLoad(
                f"more than {MOST:,} requests in {inputs.minutes:f} minutes: give fewer --minutes, "
                "or a tenth of the load, and take ten such pools"
            )
    if not found:
        raise NoLoad(f"no request comes in {inputs.minutes:f} minutes: give more --minutes, or a higher rate")
    return found


def doubled(asked: list[Asked], start: float, over: float, seed: int) -> list[Asked]:
    """After `start` ever more of them are followed by another one, until after `over` seconds all are."""
    chance = Random(seed)
    later = [each for each in asked if each.at >= start]
    twins = []
    for one, following in pairwise(later):
        if chance.random() * over < one.at - start:
            twins.append(chance.choice(later)._replace(at=chance.uniform(one.at, following.at)))
    return sorted([*asked, *twins])


def _arrivals(inputs: Inputs, trace: Trace | None, seconds: float) -> Iterator[float]:
    if trace is not None:
        return takewhile(lambda at: at < seconds, trace.arrivals(float(inputs.speed_up)))
    return constant(float(rate_of(inputs) or 0), seconds).poisson(inputs.seed)


def _lengths(inputs: Inputs, trace: Trace | None) -> Iterator[tuple[int, int]]:
    """Those that are given outrank a trace's."""
    real = trace.lengths() if trace else repeat((0, 0))
    prompts = spelled(inputs.tokens_in).draw(inputs.seed + 1) if inputs.tokens_in else None
    answers = spelled(inputs.tokens_out).draw(inputs.seed + 2) if inputs.tokens_out else None
    return ((next(prompts) if prompts else prompt, next(answers) if answers else answer) for prompt, answer in real)
