"""Texts that match a regular expression, as well as one can without running it backwards.

Literals, classes, groups, alternatives and repeats are followed; look-arounds and back-references are not,
so a pattern that needs them may get a text that does not match.
"""

import re
from collections.abc import Callable, Iterable
from random import Random
from re import _parser  # type: ignore[attr-defined]  # the standard library's own reading of a pattern
from typing import Any

_CATEGORIES = {
    "CATEGORY_DIGIT": "0123456789",
    "CATEGORY_WORD": "abcdefghijklmnopqrstuvwxyz_0123456789",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": "abcxyz",
    "CATEGORY_NOT_WORD": "-. ",
    "CATEGORY_NOT_SPACE": "abcxyz",
}
_ANY = "abcdefghijklmnopqrstuvwxyz"
_PRINTABLE = "".join(map(chr, range(32, 127)))


def text_for(pattern: str, random: Random) -> str:
    """A text for a pattern. Raises re.error when it is not one."""
    tree: Iterable[tuple[Any, Any]] = _parser.parse(pattern)
    return "".join(_follow(tree, random))


def _follow(tree: Iterable[tuple[Any, Any]], random: Random) -> Iterable[str]:
    for operation, value in tree:
        yield _PARTS.get(str(operation), _nothing)(value, random)


def _nothing(value: Any, random: Random) -> str:
    return ""


def _branch(value: Any, random: Random) -> str:
    return "".join(_follow(random.choice(value[1]), random))


def _group(value: Any, random: Random) -> str:
    return "".join(_follow(value[-1], random))


def _repeat(value: Any, random: Random) -> str:
    least, most, tree = value
    times = random.randint(least, min(int(most), least + 4))
    return "".join("".join(_follow(tree, random)) for _ in range(times))


def _class(value: Any, random: Random) -> str:
    members = "".join(_member(str(operation), one) for operation, one in value)
    if str(value[0][0]) == "NEGATE":
        members = "".join(char for char in _PRINTABLE if char not in members)
    if not members:
        raise re.error("a class without members")
    return random.choice(members)


def _member(operation: str, value: Any) -> str:
    if operation == "LITERAL":
        return chr(value)
    if operation == "RANGE":
        return "".join(map(chr, range(value[0], min(value[1], value[0] + 255) + 1)))
    return _CATEGORIES.get(str(value), "") if operation == "CATEGORY" else ""


_PARTS: dict[str, Callable[[Any, Random], str]] = {
    "LITERAL": lambda value, random: chr(value),
    "NOT_LITERAL": lambda value, random: random.choice(_ANY.replace(chr(value), "")),
    "ANY": lambda value, random: random.choice(_ANY),
    "IN": _class,
    "CATEGORY": lambda value, random: random.choice(_CATEGORIES.get(str(value), _ANY)),
    "BRANCH": _branch,
    "SUBPATTERN": _group,
    "ATOMIC_GROUP": lambda value, random: "".join(_follow(value, random)),
    "MAX_REPEAT": _repeat,
    "MIN_REPEAT": _repeat,
    "POSSESSIVE_REPEAT": _repeat,
}
