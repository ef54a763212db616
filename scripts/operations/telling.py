"""Telling a person, who may have hung up."""

from __future__ import annotations

import contextlib
import sys


def tell(line: str) -> None:
    """Onto standard error. Where nobody reads any more, the work goes on."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)
