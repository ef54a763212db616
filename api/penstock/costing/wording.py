"""Numbers as people read them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor, log10
from pathlib import Path


def dollars(amount: Fraction) -> str:
    """To the dollar: -1,234."""
    return f"{round(amount):,}"


def fine(amount: Fraction) -> str:
    """A small number, to three digits or two decimals, whichever is finer: 0.00275, 3.44."""
    if amount <= 0:
        return "0.00"
    return f"{float(amount):,.{max(2, 2 - floor(log10(amount)))}f}"


def above(number: Fraction) -> str:
    """The first whole number above it: 264,364."""
    return f"{floor(number) + 1:,}"


def within(number: Fraction) -> str:
    """The last whole number within it."""
    return f"{floor(number):,}"


def typed(value: Decimal | Path | int | str) -> str:
    """As one would type it behind a flag: 2.5, 10, gpt-4o."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
