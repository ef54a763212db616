"""The tokenizer: at most five ASCII word characters with the space before them, or one other character.

It keeps no vocabulary, so every replica gives the same ids, text survives the round trip, and what the
simulator says tokenizes to the ids that it was said in.
"""

import re
from collections.abc import Iterable

START, END = "<|im_start|>", "<|im_end|>"
_SPECIAL = {START: 3, END: 4, "assistant": 5, "system": 6}
_SPECIAL_BY_ID = {number: text for text, number in _SPECIAL.items()}
_FIRST_PLAIN_ID = 16
_TOKEN = re.compile(r"<\|im_start\|>|<\|im_end\|>|assistant|system| ?[A-Za-z0-9_]{1,5}|.", re.DOTALL)


def pieces(text: str) -> list[str]:
    """The text of each token, in order; joined, they are the text again."""
    return _TOKEN.findall(text)


def identify(parts: Iterable[str]) -> list[int]:
    """The ids of pieces."""
    return [_SPECIAL.get(part) or _FIRST_PLAIN_ID + int.from_bytes(_bytes(part)) for part in parts]


def spell(ids: Iterable[int]) -> list[str]:
    """The pieces behind ids; an id that no text has becomes replacement characters."""
    return [_SPECIAL_BY_ID.get(number) or _unpack(number - _FIRST_PLAIN_ID) for number in ids]


def _bytes(part: str) -> bytes:
    return part.encode()


def _unpack(value: int) -> str:
    if value < 0:
        return "�"
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8)).decode("utf-8", "replace")
