"""Why a drill ends early."""

from __future__ import annotations


class DrillFailed(Exception):
    """The page is not true, or something beside it went wrong. The message says at which step."""


class Refused(Exception):
    """Nothing was broken, and nothing will be. The message says why."""
