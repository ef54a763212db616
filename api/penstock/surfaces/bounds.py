"""What a body may hold beyond its size: how deep, how many of each, and no URL that an engine would fetch."""

from __future__ import annotations

from penstock.errors import RequestTooComplex
from penstock.settings.requests import Requests
from penstock.surfaces.media import Container, check_media


class Bounds:
    """Read from the settings once, since pydantic's attributes cost more than all the rest of this."""

    def __init__(self, told: Requests) -> None:
        self._depth = told.max_depth
        self._hosts = told.media_hosts
        self._lists = {
            **dict.fromkeys(("messages", "input", "prompt"), (told.max_messages, "max_messages")),
            **dict.fromkeys(("tools", "functions"), (told.max_tools, "max_tools")),
        }
        self._numbers = dict.fromkeys(("n", "best_of"), (told.max_choices, "max_choices"))

    def check(self, fields: dict[str, object]) -> None:
        """`fields` is what the body holds. Raises RequestTooComplex or MediaURLRefused."""
        for name, value in fields.items():
            if isinstance(value, list):
                self._check_list(name, value)
            elif isinstance(value, int) and name in self._numbers:
                limit, setting = self._numbers[name]
                if value > limit:
                    raise _too_much(name, limit, setting)
        self._check_inside(fields)

    def _check_list(self, name: str, value: list[object]) -> None:
        """A list of numbers is one prompt in tokens."""
        bound = self._lists.get(name)
        if bound is not None and len(value) > bound[0] and not isinstance(value[0], int):
            raise _too_much(name, *bound)

    def _check_inside(self, fields: dict[str, object]) -> None:
        """Level by level. An engine's own reader fails on what is too deep for it, and would count as broken."""
        level: list[Container] = [fields]
        unread: list[Container] = []
        for _ in range(self._depth):
            below = _containers_in(unread) if unread else []
            level, unread = check_media(level, below, self._hosts), below
            if not level and not unread:
                return
        raise RequestTooComplex(
            f"The body is nested more than {self._depth} deep: the setting `requests.max_depth` bounds it."
        )


def _containers_in(level: list[Container]) -> list[Container]:
    found: list[Container] = []
    for each in level:
        for value in each.values() if isinstance(each, dict) else each:
            if isinstance(value, (dict, list)):
                found.append(value)  # noqa: PERF401  # a comprehension is a call more
    return found


def _too_much(name: str, limit: int, setting: str) -> RequestTooComplex:
    return RequestTooComplex(
        f"`{name}` may be {limit} at most: the setting `requests.{setting}` bounds it.", param=name
    )
