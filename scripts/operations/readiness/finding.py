"""What a check found: its verdict, and the evidence for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "fail", "not applicable"]


@dataclass(frozen=True, slots=True)
class Seen:
    """`asked` is what was done, `seen` what came of it; where nothing applies, why."""

    verdict: Verdict
    asked: str
    seen: str


class NotApplicable(Exception):
    """There is nothing to ask here. The message says why."""


def judged(asked: str, wrong: list[str], well: str) -> Seen:
    """Fails with all that is wrong, if anything is; else passes with what is well."""
    return Seen("fail", asked, "; ".join(wrong)) if wrong else Seen("pass", asked, well)
