"""Images, audio, video and PDFs as arguments: inside the request, never a URL."""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, WithJsonSchema

from penstock.functions.environment import StartRefused

SCHEMA = {
    "type": "object",
    "properties": {
        "base64": {"type": "string", "contentEncoding": "base64"},
        "media_type": {"type": "string", "examples": ["image/png", "application/pdf"]},
    },
    "required": ["base64", "media_type"],
    "additionalProperties": False,
}


def with_media(hint: Any) -> Any:
    """The hint of an argument with each BAML medium in it read from `{"base64": …, "media_type": …}`.

    A URL is refused, since a replica would fetch it from inside our network. Raises StartRefused for a medium
    that stands in a class, where this cannot be seen to.
    """
    if _is_medium(hint):
        return Annotated[hint, BeforeValidator(_only_base64), WithJsonSchema(SCHEMA)]
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        _refuse_media_inside(hint, seen=set())
    if not get_args(hint) or not hasattr(hint, "copy_with"):
        return hint
    return hint.copy_with(tuple(with_media(part) for part in get_args(hint)))


def _is_medium(hint: Any) -> bool:
    return isinstance(hint, type) and hint.__module__ == "baml_py.baml_py"


def _only_base64(value: object) -> object:
    match value:
        case {"base64": str(), "media_type": str(), **others} if not others:
            return value
    raise ValueError('a medium is {"base64": "…", "media_type": "…"}; URLs are not fetched')


def _refuse_media_inside(cls: type[BaseModel], seen: set[type]) -> None:
    if cls in seen:
        return
    seen.add(cls)
    for name, field in cls.model_fields.items():
        for hint in _leaves(field.annotation):
            if _is_medium(hint):
                raise StartRefused(f"{cls.__name__}.{name} is a medium: make it an argument of the function itself.")
            if isinstance(hint, type) and issubclass(hint, BaseModel):
                _refuse_media_inside(hint, seen)


def _leaves(hint: Any) -> list[Any]:
    if get_origin(hint) is None:
        return [hint]
    return [leaf for part in get_args(hint) for leaf in _leaves(part)]
