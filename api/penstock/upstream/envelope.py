"""What stands around the text in the chunks of one stream: mostly the same, from the first chunk to the last."""

from __future__ import annotations

import re
from typing import Final

_TEXT: Final = re.compile(rb'"(?:content|reasoning|reasoning_content|text)": ?"([^"\\\x00-\x1f]*)"')
"""The text that a chunk holds. Within another of JSON's strings this cannot stand, for its quotes would be escaped."""
QUOTE: Final = 34
BACKSLASH: Final = 92
LF: Final = 10
CR: Final = 13
"""Bytes by their numbers: to look for bytes by `in` raises and drops an error first, which doubles its time."""


class Envelope:
    """Learned from a chunk that was read, it knows another that says the same but for its text, without reading it.

    That holds as JSON's grammar has it (RFC 8259, 7): what is put in the place of a string's inside, and has no quote
    and no backslash, ends neither the string nor anything around it.
    """

    __slots__ = ("_after", "_before", "_size")

    def __init__(self) -> None:
        self._before = self._after = b""
        self._size = 0

    def learn(self, chunk: bytes) -> None:
        """A chunk without a plain text is not learned: what was known before stays."""
        found = _TEXT.search(chunk)
        if found is not None:
            self._before, self._after = chunk[: found.start(1)], chunk[found.end(1) :]
            self._size = len(self._before) + len(self._after)

    def fits(self, chunk: bytes) -> bool:
        """Whether it is what was learned but for the text. False if that cannot be told at a glance."""
        size = self._size
        if not size or len(chunk) < size or not chunk.startswith(self._before) or not chunk.endswith(self._after):
            return False
        text = chunk[len(self._before) : len(chunk) - len(self._after)]
        return not (QUOTE in text or BACKSLASH in text or LF in text or CR in text)
