"""Reading the few kinds of type hints that BAML generates."""

from __future__ import annotations

from types import UnionType
from typing import Union, get_args, get_origin


def is_union(hint: object) -> bool:
    return get_origin(hint) in (Union, UnionType)


def members_of(hint: object) -> tuple[object, ...]:
    """The members of a union, with unions inside it opened; a plain type is its own only member."""
    if not is_union(hint):
        return (hint,)
    return tuple(member for part in get_args(hint) for member in members_of(part))


def checked_value(hint: type) -> object | None:
    """The T of a `Checked[T, …]` (a value with `@check`): the model writes it bare. None for others."""
    generic = getattr(hint, "__pydantic_generic_metadata__", None)
    if not generic or getattr(generic["origin"], "__name__", "") != "Checked":
        return None
    return generic["args"][0]  # type: ignore[no-any-return]  # pydantic types it as Any
