"""Words that BAML reads as orders when they stand in an argument: they would open a turn, or have a URL fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

from pydantic import BaseModel

from penstock.errors import InvalidArguments
from penstock.functions.guided import Json

MARKER = "magic_string_delimiter"
"""How BAML's marks of turns and media end; they carry JSON, so there is no turn and no medium without a brace."""

Shape = list[tuple[object, tuple[object, ...]]]


def refuse_reserved(given: Mapping[str, Any]) -> None:
    """Raises InvalidArguments, which quotes nothing, if a text holds one of BAML's marks, in whatever case."""
    if any(MARKER in text.lower() for text in _texts(given)):
        raise _refusal()


def refuse_new_turns(body: Json, given: Mapping[str, Any], build: Callable[[Mapping[str, Any]], Json]) -> None:
    """Raises InvalidArguments unless the turns and parts are those of the same arguments without a brace.

    It holds where a prompt joins or changes texts, so that a mark only comes about in it.
    """
    if any("{" in text for text in _texts(given)) and _shape(body) != _shape(build(_harmless(given))):
        raise _refusal()


def _refusal() -> InvalidArguments:
    return InvalidArguments("A text among the arguments holds words that are reserved for marks in the prompt.")


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for key, item in value.items():
                yield from _texts(key)
                yield from _texts(item)
        case list() | tuple():
            for item in value:
                yield from _texts(item)
        case BaseModel():
            yield from _texts(dict(value))
        case _ if hasattr(value, "as_base64"):
            yield from value.as_base64()


def _harmless(value: Any) -> Any:
    match value:
        case str() if not isinstance(value, Enum):
            return value.replace("{", "(")
        case Mapping():
            return {_harmless(key): _harmless(item) for key, item in value.items()}
        case list() | tuple():
            return [_harmless(item) for item in value]
        case BaseModel():
            return value.model_copy(update=_harmless(dict(value)))
    return value


def _shape(body: Json) -> Shape:
    """Whose turns there are, and the kinds of their parts."""
    return [(turn["role"], _kinds(turn["content"])) for turn in body["messages"]]


def _kinds(content: object) -> tuple[object, ...]:
    parts = content if isinstance(content, list) else ["text"]
    return tuple(part["type"] if isinstance(part, dict) else part for part in parts)
