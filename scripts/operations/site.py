"""All that a change works with, in one hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from operations.audit import Audit, now, who
from operations.errors import CannotAsk, TookTooLong
from operations.lock import locked
from operations.patience import Patience
from operations.platform import Platform
from operations.releases import ReleasesFile
from operations.shell import Shell
from operations.telling import tell
from operations.words import Picture


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each wait may be (seconds), and how much a new version may err (a share of its answers)."""

    ready_s: float = 120
    drain_s: float = 130
    lock_s: float = 20
    max_errors: float = 0.02


class Site:
    """Where a change happens. In a dry run nothing is locked and nothing written."""

    def __init__(self, platform: Platform, shell: Shell, patience: Patience, folder: Path, limits: Limits) -> None:
        self.platform = platform
        self.patience = patience
        self.limits = limits
        self.releases = ReleasesFile(folder / "releases.json")
        self.audit = Audit(folder / "audit.jsonl")
        self.dry = shell.dry
        self.folder = folder
        self._shell = shell
        self._steps = 0

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """With the lock. Raises Locked."""
        if self.dry:
            yield
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        holder: dict[str, object] = {"who": who(), "what": what, "when": now()}
        with locked(self.folder / "lock", holder, self.patience, self.limits.lock_s) as held_open:
            self._shell.held_open = held_open
            yield

    def step(self, says: str) -> None:
        """Write down and tell what is done next. Raises Interrupted instead, if a signal came."""
        self.patience.interrupts.check()
        if not self.dry:
            self.releases.step(says)
        self._steps += 1
        tell(f"{self._steps:2}. {says}")

    def look(self) -> tuple[Picture | None, str]:
        """What stands, or why that cannot be told just now: for waits, which ask again."""
        try:
            return self.platform.picture(), ""
        except CannotAsk as error:
            return None, str(error)

    def see(self, limit_s: float = 10) -> Picture:
        """What stands, asked again and again. Raises CannotAsk if it cannot be told for so long."""
        found: list[Picture] = []

        def wanting() -> str:
            picture, why = self.look()
            found.extend([picture] if picture else [])
            return why

        try:
            Patience(self.patience.interrupts, self.patience.clock).until("the platform", wanting, limit_s)
        except TookTooLong as error:
            raise CannotAsk(str(error)) from None
        return found[0]

    def ended(self) -> None:
        """The change under way is over, and its traces are put back."""
        if not self.dry:
            self.releases.write(replace(self.releases.read(), under_way=None))
