"""PromQL taken apart, so that each part of it can be asked for by itself."""

import re
from collections.abc import Iterator

_QUOTED = r""""[^"]*"|'[^']*'"""
_LABELS = r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)"
_SELECTOR = re.compile(rf"{_LABELS}|{_QUOTED}|(?<![\w.:])([a-zA-Z_:][\w:]*(?:\{{[^}}]*\}})?)(?![\w:]*\s*(?:by\s*)?\()")
_COMPARISON = re.compile(rf"{_QUOTED}|\{{[^}}]*\}}|(==|!=|>=|<=|>|<)")
_SET = re.compile(r"\s*\b(?:and|or|unless)\b(?:\s+(?:on|ignoring)\s*\([^)]*\))?\s*")
_WORDS = {"and", "or", "unless", "bool", "offset"}


def selectors(expr: str) -> set[str]:
    """The series that an expression reads: names with their matchers, without ranges."""
    return {found[1] for found in _SELECTOR.finditer(expr) if found[1]} - _WORDS


def told(expr: str) -> str:
    """The expression with its comparisons answered by 0 or 1: what is compared is there if anything comes of it."""
    return _COMPARISON.sub(lambda found: f"{found[1]} bool" if found[1] else found[0], expr)


def operands(expr: str) -> Iterator[str]:
    """What `and`, `or` and `unless` join at the top, and within parentheses there."""
    parts = _split(expr)
    if len(parts) > 1:
        for part in parts:
            yield from operands(part)
    elif _is_enclosed(expr):
        yield from operands(expr.strip()[1:-1])
    else:
        yield expr.strip()


def _depths(expr: str) -> list[int]:
    """How deep in brackets each character stands."""
    depths, depth = [], 0
    for character in expr:
        depth -= character in ")]}"
        depths.append(depth)
        depth += character in "([{"
    return depths


def _split(expr: str) -> list[str]:
    depths, parts, begin = _depths(expr), [], 0
    for found in _SET.finditer(expr):
        if depths[found.start()] == depths[found.end() - 1] == 0:
            parts.append(expr[begin : found.start()])
            begin = found.end()
    return [*parts, expr[begin:]]


def _is_enclosed(expr: str) -> bool:
    text = expr.strip()
    return text.startswith("(") and text.endswith(")") and all(depth > 0 for depth in _depths(text)[1:-1])
