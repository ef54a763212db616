"""What a body may hold beyond its size: how deep, how many of each, and no URL that an engine would fetch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from penstock.errors import RequestTooComplex
from penstock.settings.requests import Requests
from penstock.surfaces.media import check_media

_CONTAINERS = (dict, list)


def check_bounds(told: Requests, raw: bytes, fields: Mapping[str, object]) -> None:
    """`fields` is what `raw` holds, parsed. Raises RequestTooComplex or MediaURLRefused."""
    if raw.count(b"{") + raw.count(b"[") > told.max_depth:  # else it cannot be so deep
        _check_depth(fields, told.max_depth)
    for name in ("messages", "input", "prompt"):
        _check_count(fields, name, told.max_messages, "max_messages")
    for name in ("tools", "functions"):
        _check_count(fields, name, told.max_tools, "max_tools")
    for name in ("n", "best_of"):
        asked = fields.get(name)
        if isinstance(asked, int) and asked > told.max_choices:
            raise _too_much(name, told.max_choices, "max_choices")
    check_media(raw, fields, told.media_hosts)


def _check_depth(fields: Mapping[str, object], limit: int) -> None:
    """Level by level. An engine's own reader fails on what is too deep for it, and would count as broken."""
    level: list[object] = [fields]
    for _ in range(limit):
        level = [value for each in level for value in _inside(each) if isinstance(value, _CONTAINERS)]
        if not level:
            return
    raise RequestTooComplex(f"The body is nested more than {limit} deep: the setting `requests.max_depth` bounds it.")


def _inside(container: object) -> Iterable[object]:
    return container.values() if isinstance(container, dict) else cast(list[object], container)


def _check_count(fields: Mapping[str, object], name: str, limit: int, setting: str) -> None:
    """A list of numbers is one prompt in tokens."""
    value = fields.get(name)
    if isinstance(value, list) and len(value) > limit and not isinstance(value[0], int):
        raise _too_much(name, limit, setting)


def _too_much(name: str, limit: int, setting: str) -> RequestTooComplex:
    return RequestTooComplex(
        f"`{name}` may be {limit} at most: the setting `requests.{setting}` bounds it.", param=name
    )
