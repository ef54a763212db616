"""What stands around the text in the chunks of one stream: mostly the same, from the first chunk to the last."""

from __future__ import annotations

from typing import Final

_NAMES: Final = (b"content", b"reasoning_content", b"reasoning", b"text")
_OPENINGS: Final = [b'"%b":%b"' % (name, space) for space in (b"", b" ") for name in _NAMES]
"""Of the text that a chunk holds. In another of JSON's strings none can stand, for its quotes would be escaped."""
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
        for opening in _OPENINGS:
            at = chunk.find(opening)
            if at < 0:
                continue
            before, rest = chunk[: at + len(opening)], chunk[at + len(opening) :]
            end = rest.find(b'"')
            if end >= 0 and BACKSLASH not in rest[:end]:
                self._before, self._after = before, rest[end:]
                self._size = len(before) + len(rest) - end
                return

    def fits(self, chunk: bytes) -> bool:
        """Whether it is what was learned but for the text. False if that cannot be told at a glance."""
        size = self._size
        if not size or len(chunk) < size or not chunk.startswith(self._before) or not chunk.endswith(self._after):
            return False
        text = chunk[len(self._before) : len(chunk) - len(self._after)]
        return not (QUOTE in text or BACKSLASH in text or LF in text or CR in text)
