"""A comparison as text of at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from penstock.costing.assumed import lines_of, wrapped
from penstock.costing.comparison import Comparison, Volume
from penstock.costing.inputs import Inputs
from penstock.costing.selfhost import HOURS
from penstock.costing.wording import above, dollars, fine, within

WINDOWS = 5
"""Of a break-even with many."""
UNSAID = (
    f"A month has {HOURS} hours, and every machine that is paid for runs through all of them.",
    "Reading prompts and writing answers take turns on a GPU.",
    "The pool's model does the work as well as the API's. Nothing here shows that it does.",
)
HEADS = ("requests a month", "API $", "self-hosted $", "saved $", "GPUs")


def report(compared: Comparison) -> str:
    return "\n".join(
        [
            *_costs(compared),
            "",
            *_gpus(compared),
            "",
            *_break_even(compared),
            "",
            *lines_of(compared.case, Inputs, UNSAID),
        ]
    )


def _costs(compared: Comparison) -> Iterator[str]:
    inputs, asked, millions = compared.case.inputs, compared.asked, compared.millions
    yield from wrapped(
        f"{asked.requests:,} requests a month, {inputs.tokens_in:,} tokens in and {inputs.tokens_out:,} out: "
        f"{inputs.model}, or {inputs.instance} of your own"
    )
    yield ""
    yield f"{'dollars':17}{'API':>16}{'self-hosted':>16}"
    api, own = asked.api_usd, asked.own_usd
    yield f"{'a month':17}{dollars(api):>16}{dollars(own):>16}"
    yield f"{'a year':17}{dollars(12 * api):>16}{dollars(12 * own):>16}"
    yield f"{'a request':17}{fine(api / asked.requests):>16}{fine(own / asked.requests):>16}"
    yield f"{'a million tokens':17}{fine(api / millions):>16}{fine(own / millions):>16}"
    yield ""
    cheaper, more = ("Self-hosting", asked.saved_usd) if asked.saved_usd > 0 else ("The API", -asked.saved_usd)
    yield f"{cheaper} saves ${dollars(more)} a month, ${dollars(12 * more)} a year." if more else "Both cost the same."


def _gpus(compared: Comparison) -> Iterator[str]:
    own, asked, factor = compared.own, compared.asked, Fraction(compared.case.inputs.peak_factor)
    mean = own.gpus_for_the_mean(asked.requests)
    machine = "machine" if own.gpus_each == 1 else f"machine of {own.gpus_each} GPUs"
    yield from wrapped(
        f"GPUs needed: {mean:,} for the mean of {fine(compared.rate)} requests/s, {asked.gpus_needed:,} at the peak of "
        f"{fine(compared.rate * factor)}. Paid for: {asked.gpus_paid:,}, all month. One {machine} carries "
        f"{within(own.carried)} requests a month with their peak."
    )
    if not asked.carried:
        yield from wrapped(
            f"! {asked.gpus_paid:,} cannot carry this peak. What is too much waits, is refused, or goes to the API, "
            "and none of that is counted here."
        )


def _break_even(compared: Comparison) -> Iterator[str]:
    even = compared.break_even
    if not even.count:
        yield from wrapped("Break-even: none. At every volume the API costs no more than self-hosting.")
    elif even.count == 1:
        yield from wrapped(_once(compared))
    else:
        yield from _several(compared)
    yield ""
    yield from _table(compared.over_volumes(), compared.asked)


def _once(compared: Comparison) -> str:
    start, limit = compared.break_even.windows(1)[0].start, compared.own.limit
    told = f"Break-even: self-hosting costs less from {above(start)} requests a month on"
    if limit is None:
        return f"{told}."
    return f"{told}; the GPUs that are paid for carry {'only' if limit <= start else 'up to'} {within(limit)}."


def _several(compared: Comparison) -> Iterator[str]:
    even = compared.break_even
    yield f"Break-even: at {even.count:,} volumes, as each machine adds a step. Self-hosting costs less"
    for window in even.windows(min(WINDOWS, even.count - 1)):
        yield f"  from {above(window.start)} to {within(window.end or window.start)} requests a month,"
    if even.count - 1 > WINDOWS:
        yield "  and so on,"
    yield f"  and from {above(even.for_good or Fraction(0))} on for good."


def _table(volumes: Sequence[Volume], asked: Volume) -> Iterator[str]:
    yield _row(HEADS)
    for each in volumes:
        gpus = f"{each.gpus_paid:,}" if each.carried else f"{each.gpus_paid:,} of {each.gpus_needed:,} !"
        mark = "> " if each == asked else ""
        yield _row(
            (f"{mark}{each.requests:,}", dollars(each.api_usd), dollars(each.own_usd), dollars(each.saved_usd), gpus)
        )


def _row(cells: Sequence[str]) -> str:
    return " ".join(f"{cell:>{width}}" for cell, width in zip(cells, (17, 14, 14, 14, 17), strict=True))
