"""A comparison as JSON: dollars, exact to what a float holds."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import TypedDict

from penstock.costing.assumed import Assumed, told_of
from penstock.costing.comparison import Comparison, Volume
from penstock.costing.inputs import Inputs

WINDOWS = 100


class Side(TypedDict):
    month_usd: float
    year_usd: float
    request_usd: float
    million_tokens_usd: float


class Gpus(TypedDict):
    mean: int
    peak: int
    paid: int
    machines: int
    machine_carries: int
    paid_carry: int | None
    carried: bool


class Between(TypedDict):
    start: int
    end: int | None


class Even(TypedDict):
    count: int
    for_good: int | None
    windows: list[Between]


class Row(TypedDict):
    requests: int
    api_usd: float
    self_hosted_usd: float
    saved_usd: float
    gpus_paid: int
    gpus_needed: int


class Told(TypedDict):
    assumed: dict[str, Assumed]
    api: Side
    self_hosted: Side
    saved_month_usd: float
    saved_year_usd: float
    gpus: Gpus
    break_even: Even
    volumes: list[Row]


def told(compared: Comparison) -> Told:
    asked = compared.asked
    return {
        "assumed": told_of(compared.case, Inputs),
        "api": _side(compared, asked.api_usd),
        "self_hosted": _side(compared, asked.own_usd),
        "saved_month_usd": float(asked.saved_usd),
        "saved_year_usd": float(12 * asked.saved_usd),
        "gpus": _gpus(compared),
        "break_even": _even(compared),
        "volumes": [_row(each) for each in compared.over_volumes()],
    }


def _side(compared: Comparison, month: Fraction) -> Side:
    return {
        "month_usd": float(month),
        "year_usd": float(12 * month),
        "request_usd": float(month / compared.asked.requests),
        "million_tokens_usd": float(month / compared.millions),
    }


def _gpus(compared: Comparison) -> Gpus:
    own, asked = compared.own, compared.asked
    return {
        "mean": own.gpus_for_the_mean(asked.requests),
        "peak": asked.gpus_needed,
        "paid": asked.gpus_paid,
        "machines": own.machines(asked.requests),
        "machine_carries": floor(own.carried),
        "paid_carry": None if own.limit is None else floor(own.limit),
        "carried": asked.carried,
    }


def _even(compared: Comparison) -> Even:
    even = compared.break_even
    return {
        "count": even.count,
        "for_good": None if even.for_good is None else floor(even.for_good) + 1,
        "windows": [
            {"start": floor(each.start) + 1, "end": None if each.end is None else floor(each.end)}
            for each in even.windows(WINDOWS)
        ],
    }


def _row(volume: Volume) -> Row:
    return {
        "requests": volume.requests,
        "api_usd": float(volume.api_usd),
        "self_hosted_usd": float(volume.own_usd),
        "saved_usd": float(volume.saved_usd),
        "gpus_paid": volume.gpus_paid,
        "gpus_needed": volume.gpus_needed,
    }
