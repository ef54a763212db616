"""Changes to callers: each takes them as they are and gives them as they are to be. Nothing else is touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from penstock.callers.caller import Caller, Key
from penstock.errors import CallerNotFound, CallerTaken, InvalidRequest, KeyNotFound
from penstock.settings.parts import NO_CALLERS

Callers = tuple[Caller, ...]


def found(callers: Callers, name: str) -> Caller:
    """Raises CallerNotFound."""
    for caller in callers:
        if caller.name == name:
            return caller
    raise CallerNotFound(f"There is no caller {name!r}.")


def added(callers: Callers, caller: Caller) -> Callers:
    """With one more. Raises CallerTaken."""
    if caller.name in NO_CALLERS:
        raise CallerTaken(f"{caller.name!r} stands for {NO_CALLERS[caller.name]}: choose another name.")
    if any(caller.name == each.name for each in callers):
        raise CallerTaken(f"There is a caller {caller.name!r} already: choose another name, or rotate its key.")
    return (*callers, caller)


def changed(callers: Callers, name: str, fields: Mapping[str, Any]) -> Callers:
    """With other allowances. Raises CallerNotFound, and InvalidRequest for what cannot be one."""
    before = found(callers, name)
    try:
        after = Caller.model_validate(before.model_dump() | dict(fields) | {"name": name, "keys": before.keys})
    except ValidationError as error:
        raise InvalidRequest(said_of(error)) from None
    return _replaced(callers, after)


def rotated(callers: Callers, name: str, key: Key, now: datetime, overlap: timedelta) -> Callers:
    """With a new key; the caller's others open for `overlap` more, at most."""
    caller = found(callers, name)
    old = (_ended(each, now + overlap) for each in caller.keys)
    kept = (each for each in old if each.opens(now))
    return _replaced(callers, caller.model_copy(update={"keys": (*kept, key)}))


def revoked(callers: Callers, key_id: str) -> Callers:
    """Without that key. Raises KeyNotFound."""
    for caller in callers:
        left = tuple(key for key in caller.keys if key.id != key_id)
        if len(left) < len(caller.keys):
            return _replaced(callers, caller.model_copy(update={"keys": left}))
    raise KeyNotFound(f"There is no key {key_id!r}: `penstock keys list` shows them.")


def removed(callers: Callers, name: str) -> Callers:
    """Without that caller and its keys. Raises CallerNotFound."""
    found(callers, name)
    return tuple(caller for caller in callers if caller.name != name)


def checked(callers: Iterable[Caller]) -> Callers:
    """The same. Raises ValueError where two have one name or one key, or one the name of whoever has none."""
    told = tuple(callers)
    names: set[str] = set()
    hashes: dict[str, str] = {}
    for caller in told:
        if caller.name in NO_CALLERS:
            raise ValueError(f"{caller.name!r} stands for {NO_CALLERS[caller.name]}: a caller needs another name")
        if caller.name in names:
            raise ValueError(f"two callers have the name {caller.name!r}")
        names.add(caller.name)
        for key in caller.keys:
            if hashes.setdefault(key.sha256, caller.name) != caller.name:
                raise ValueError(f"{hashes[key.sha256]!r} and {caller.name!r} have the same key {key.id}")
    return told


def said_of(error: ValidationError) -> str:
    """The first thing that is wrong, never the value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    told = first["msg"].removeprefix("Value error, ")
    return f"{place}: {told}" if place else told


def _ended(key: Key, by: datetime) -> Key:
    ends_at = by if key.ends_at is None else min(by, key.ends_at)
    return key.model_copy(update={"ends_at": ends_at.replace(microsecond=0)})


def _replaced(callers: Callers, by: Caller) -> Callers:
    return tuple(by if caller.name == by.name else caller for caller in callers)
