"""The project's pages, read the way that a reader takes them: their tables, their blocks of code, their links."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [
    page
    for folder in (ROOT, ROOT / ".github", ROOT / "docs")
    for page in sorted(folder.glob("*.md") if folder == ROOT else folder.rglob("*.md"))
]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A fenced block of code."""

    language: str
    text: str


def page(name: str) -> str:
    return (ROOT / name).read_text()


def blocks(name: str, language: str) -> list[str]:
    found = [Block(*match) for match in _FENCE.findall(page(name))]
    return [block.text for block in found if block.language == language]


def prose(text: str) -> str:
    """The page without its blocks of code."""
    return _FENCE.sub("", text)


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    return text.split(f"\n{heading}\n", 1)[1].split("\n## ")[0]


def rows(text: str) -> Iterator[list[str]]:
    """The rows of every table, without those that head it."""
    for table in re.findall(r"(?:^\|.*\n?)+", prose(text), re.MULTILINE):
        for line in table.splitlines()[2:]:
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]


def named(cell: str) -> str:
    """A cell without its backticks."""
    return cell.strip("`")
