"""A page of the runbook: its sections, and the very text of its blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "docs/runbook"
SECTIONS = (
    "Symptoms",
    "What it means",
    "Diagnose",
    "Remedy",
    "Verify",
    "Escalate",
    "Afterwards",
    "Drill",
)
PLATFORMS = ("Compose", "Kubernetes", "ECS")
"""The parts of Remedy."""
PROCEDURES = ("BadDeploy", "LeakedKey", "NewModel")
"""Pages that no alert leads to."""
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    text: str

    @property
    def headings(self) -> list[str]:
        return re.findall(r"^#{2,3} (.+)$", _BLOCK.sub("", self.text), re.MULTILINE)

    @property
    def alert(self) -> str | None:
        """The alert that leads here, if one does."""
        return None if self.name in PROCEDURES else self.name

    def section(self, heading: str) -> str:
        """What stands under it, up to the next. Empty if there is none."""
        found = re.search(
            rf"^#{{2,3}} {re.escape(heading)}\n(.*?)(?=^#{{1,3}} |\Z)", self._bare(), re.DOTALL | re.MULTILINE
        )
        return found[1].replace("\0", "#") if found else ""

    def blocks(self, heading: str, language: str = "bash") -> list[str]:
        return [text for kind, text in _BLOCK.findall(self.section(heading)) if kind == language]

    def script(self, heading: str) -> str:
        """All of a section's commands."""
        return "\n".join(self.blocks(heading))

    def _bare(self) -> str:
        """The text, with no `#` in a block that could be a heading."""
        return _BLOCK.sub(lambda block: re.sub(r"^#", "\0", block[0], flags=re.MULTILINE), self.text)


def read(name: str) -> Page:
    return Page(name, (RUNBOOK / f"{name}.md").read_text())


def names() -> list[str]:
    """Every page there is."""
    return sorted(path.stem for path in RUNBOOK.glob("*.md") if path.stem != "README")
