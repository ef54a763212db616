"""What an operator of a platform can see and ask from within."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class Inside(Protocol):
    """Keys are never among a command's words. Each call raises StepFailed or CannotAsk if it cannot be done."""

    secrets: Path
    """The folder with the files that hold them."""

    def ask(self, unit: str, path: str, *, key: str = "", post: bool = False) -> str:
        """An instance itself, past the edge."""

    def peers(self) -> Mapping[str, bool]:
        """By name, whether the balancer finds the instance well."""

    def grafana(self, path: str) -> str:
        """As its administrator."""

    def environments(self) -> Mapping[str, Mapping[str, str]]:
        """Of everything that runs, by its name."""
