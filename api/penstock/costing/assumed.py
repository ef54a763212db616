"""What a calculation assumed: every input with its value, where that is from, and its sentence; as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from textwrap import wrap
from typing import Protocol, TypedDict

from pydantic import BaseModel

from penstock.costing.flags import flag
from penstock.costing.wording import typed

WIDTH = 80


class Case(Protocol):
    """Inputs made whole, and for each name where it is from."""

    @property
    def inputs(self) -> BaseModel: ...

    @property
    def origins(self) -> Mapping[str, str]: ...


class Assumed(TypedDict):
    value: int | float | str | None
    origin: str
    sentence: str


def lines_of(case: Case, named: type[BaseModel], unsaid: Sequence[str]) -> Iterator[str]:
    """Of the inputs that `named` has; then what no flag changes."""
    yield "Assumed; change each with its flag:"
    for name, field in named.model_fields.items():
        value = getattr(case.inputs, name)
        told = "none" if value is None else f"{typed(value)} ({case.origins[name]})"
        yield from wrapped(f"{flag(name)} {told}. {field.description}", "  ", "      ")
    for sentence in unsaid:
        yield from wrapped(sentence, "  ", "      ")


def told_of(case: Case, named: type[BaseModel]) -> dict[str, Assumed]:
    return {
        name: {
            "value": _plain(getattr(case.inputs, name)),
            "origin": case.origins[name],
            "sentence": field.description or "",
        }
        for name, field in named.model_fields.items()
    }


def wrapped(text: str, first: str = "", then: str = "") -> list[str]:
    """Lines for a terminal."""
    return wrap(text, WIDTH, initial_indent=first, subsequent_indent=then, break_long_words=False)


def _plain(value: Decimal | Path | int | str | None) -> int | float | str | None:
    if isinstance(value, Path):
        return str(value)
    return float(value) if isinstance(value, Decimal) else value
