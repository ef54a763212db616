"""From the model's spelling to ours: a return type compiled into a function over what a JSON parser gives."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Literal, TypeAlias, get_args, get_origin

from pydantic import BaseModel

from penstock.functions.hints import is_union, members_of
from penstock.functions.source import Declaration, Declarations

Read: TypeAlias = Callable[[Any], Any]

CONSTRAINTS = frozenset({"assert", "check"})


class Unreadable(ValueError):
    """The text is not a value of the type. Never carries the text: replies are not logged."""


class OnlyBaml(Exception):
    """The type means more than its shape says, so that only BAML may read it."""


class Readers:
    """Renames aliases to fields and spellings to enum members; other shapes are left for pydantic to refuse.

    A `partial` reader reads beginnings: lists not begun are empty, and a choice not yet spelt out is None.
    """

    def __init__(self, declared: Declarations, *, partial: bool) -> None:
        self._declared = declared
        self._partial = partial
        self._made: dict[type, Read] = {}
        if any(item.kind == "type" and item.attributes & CONSTRAINTS for item in declared.values()):
            raise OnlyBaml("a type alias carries a constraint, and leaves no trace of where it is used")

    def of(self, hint: Any) -> Read:
        """The reader of a type. Raises OnlyBaml if it is constrained, or a union of several shapes."""
        if isinstance(hint, type) and issubclass(hint, Enum | BaseModel):
            return self._named(hint)
        origin, parts = get_origin(hint), get_args(hint)
        if origin is list:
            return self._list(self.of(parts[0]))
        if origin is dict:
            return self._map(self.of(parts[0]), self.of(parts[1]))
        if is_union(hint) or origin is Literal:
            return self._choice(members_of(hint))
        return _same

    def _named(self, cls: type[Enum | BaseModel]) -> Read:
        if cls not in self._made:
            declaration = self._unconstrained(cls)
            self._made[cls] = lambda value: self._made[cls](
                value
            )  # until its own fields, which may lead back, are read
            self._made[cls] = self._enum(cls, declaration) if issubclass(cls, Enum) else self._object(cls, declaration)
        return self._made[cls]

    def _unconstrained(self, cls: type) -> Declaration:
        declaration = self._declared.get(cls.__name__)
        if declaration is None or declaration.all_attributes() & CONSTRAINTS:
            raise OnlyBaml(f"{cls.__name__} is constrained, or is BAML's own")
        if self._partial and any(name.startswith("stream.") for name in declaration.all_attributes()):
            raise OnlyBaml(f"{cls.__name__} has rules for streaming")
        return declaration

    def _enum(self, cls: type[Enum], declaration: Declaration) -> Read:
        by_wire = {wire: cls(name) for name, wire in declaration.wires().items()}
        return by_wire.get if self._partial else lambda value: by_wire.get(value, value)

    def _object(self, cls: type[BaseModel], declaration: Declaration) -> Read:
        wires = declaration.wires()
        fields = [
            (name, wires[name], self.of(field.annotation)) for name, field in cls.model_fields.items() if name in wires
        ]
        empty = {name: get_origin(field.annotation) for name, field in cls.model_fields.items()}
        empties = [(name, make) for name, make in empty.items() if self._partial and make in (list, dict)]

        def read(value: Any) -> Any:
            if type(value) is not dict:
                return value
            known = {name: reader(value[wire]) for name, wire, reader in fields if wire in value}
            for name, make in empties:
                known.setdefault(name, make())
            return known

        return read

    def _list(self, item: Read) -> Read:
        if item is _same:
            return _same
        if self._partial:
            return lambda value: [read for one in value if (read := item(one)) is not None]
        return lambda value: [item(one) for one in value] if type(value) is list else value

    def _map(self, key: Read, item: Read) -> Read:
        if key is _same and item is _same:
            return _same
        return lambda value: {key(k): item(v) for k, v in value.items()} if type(value) is dict else value

    def _choice(self, members: tuple[Any, ...]) -> Read:
        literals = [value for hint in members if get_origin(hint) is Literal for value in get_args(hint)]
        others = [hint for hint in members if get_origin(hint) is not Literal and hint is not type(None)]
        if literals and not others:
            return (lambda value: value if value in literals else None) if self._partial else _same
        if len(others) != 1 or literals:
            raise OnlyBaml("among several shapes BAML chooses by likeness")
        read = self.of(others[0])
        return _same if read is _same else lambda value: None if value is None else read(value)


def _same(value: Any) -> Any:
    return value
