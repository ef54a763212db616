"""What a body may hold beyond its size: how deep, how many of each, and no URL that an engine would fetch."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.errors import RequestTooComplex
from penstock.settings.requests import Requests
from penstock.surfaces.media import check_media


def check_bounds(told: Requests, fields: Mapping[str, object]) -> None:
    """`fields` is what the body holds. Raises RequestTooComplex or MediaURLRefused."""
    _check_inside(told, fields)
    for name in ("messages", "input", "prompt"):
        _check_count(fields, name, told.max_messages, "max_messages")
    for name in ("tools", "functions"):
        _check_count(fields, name, told.max_tools, "max_tools")
    for name in ("n", "best_of"):
        asked = fields.get(name)
        if isinstance(asked, int) and asked > told.max_choices:
            raise _too_much(name, told.max_choices, "max_choices")


def _check_inside(told: Requests, fields: Mapping[str, object]) -> None:
    """Level by level. An engine's own reader fails on what is too deep for it, and would count as broken."""
    level: list[object] = [fields]
    unread: list[object] = []
    for _ in range(told.max_depth):
        below = _containers_in(unread) if unread else []
        level, unread = check_media(level, below, told.media_hosts), below
        if not level and not unread:
            return
    raise RequestTooComplex(
        f"The body is nested more than {told.max_depth} deep: the setting `requests.max_depth` bounds it."
    )


def _containers_in(level: list[object]) -> list[object]:
    found: list[object] = []
    for each in level:
        if isinstance(each, dict):
            for value in each.values():
                if isinstance(value, (dict, list)):
                    found.append(value)  # noqa: PERF401  # a comprehension is a call more
        elif isinstance(each, list):
            for value in each:
                if isinstance(value, (dict, list)):
                    found.append(value)  # noqa: PERF401
    return found


def _check_count(fields: Mapping[str, object], name: str, limit: int, setting: str) -> None:
    """A list of numbers is one prompt in tokens."""
    value = fields.get(name)
    if isinstance(value, list) and len(value) > limit and not isinstance(value[0], int):
        raise _too_much(name, limit, setting)


def _too_much(name: str, limit: int, setting: str) -> RequestTooComplex:
    return RequestTooComplex(
        f"`{name}` may be {limit} at most: the setting `requests.{setting}` bounds it.", param=name
    )
