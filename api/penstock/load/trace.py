"""A trace of real requests, as Azure publishes them: when each came, and how long it and its answer were."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import TextIO

from penstock.load import NoLoad

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
MOST = 1_000_000
"""Rows."""


@dataclass(frozen=True, slots=True)
class Row:
    """`at` is in seconds from the first row."""

    at: float
    prompt_tokens: int
    answer_tokens: int


class Trace:
    """A file of CSV, maybe with gzip. Raises NoLoad with the line that cannot be read."""

    def __init__(self, path: Path) -> None:
        self.rows = _read(path)

    def arrivals(self, speed_up: float) -> Iterator[float]:
        return (row.at / speed_up for row in self.rows)

    def lengths(self) -> Iterator[tuple[int, int]]:
        """Of prompts and answers, in the trace's order; after the last row comes the first."""
        return cycle((row.prompt_tokens, row.answer_tokens) for row in self.rows)


def _read(path: Path) -> list[Row]:
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open(newline="") as file:
            rows = list(_rows(path, file))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise NoLoad(f"{path} cannot be read: {error}") from None
    if not rows:
        raise NoLoad(f"{path} has no rows")
    return rows


def _rows(path: Path, file: TextIO) -> Iterator[Row]:
    lines = csv.reader(file)
    head = next(lines, [])
    if tuple(head) != COLUMNS:
        raise NoLoad(f"{path}, line 1: {','.join(COLUMNS)} should stand there, not {','.join(head)!r}")
    first: datetime | None = None
    before = 0.0
    for cells in lines:
        where = f"{path}, line {lines.line_num}"
        if lines.line_num > MOST + 1:
            raise NoLoad(f"{where}: more than {MOST:,} rows")
        try:
            when, prompt, answer = cells
            moment = datetime.fromisoformat(when)
            first = first or moment
            row = Row((moment - first).total_seconds(), int(prompt), int(answer))
        except (ValueError, TypeError) as error:
            raise NoLoad(f"{where}: {error}") from None
        if row.at < before or row.prompt_tokens < 0 or row.answer_tokens < 0:
            raise NoLoad(f"{where}: {'earlier than the line before' if row.at < before else 'tokens below 0'}")
        before = row.at
        yield row
