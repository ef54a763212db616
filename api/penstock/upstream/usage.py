"""Tokens that a call used."""

from __future__ import annotations

from typing import Final, NamedTuple

CHARACTERS: Final = 3
"""Bytes of a request for each token that it holds: English has about four, JSON has many marks."""


class Usage(NamedTuple):
    """Tokens read and tokens written. `counted` is False where we had to estimate them."""

    input: int
    output: int
    counted: bool = True


def read_by_size(request: bytes) -> int:
    """Tokens that a request holds, at the most."""
    return len(request) // CHARACTERS


def usage_of(told: object) -> Usage | None:
    """What a target's `usage` says, in the words of chat and completions or in those of responses."""
    if not isinstance(told, dict):
        return None
    read = told.get("prompt_tokens", told.get("input_tokens"))
    written = told.get("completion_tokens", told.get("output_tokens", 0))
    if not isinstance(read, int) or not isinstance(written, int):
        return None
    return Usage(read, written) if read >= 0 and written >= 0 else None
