"""The JSON schema that holds a model to a function's return type while it writes."""

from __future__ import annotations

from enum import Enum
from types import NoneType
from typing import Any, Literal, TypeAlias, get_args, get_origin

from pydantic import BaseModel

from penstock.functions.environment import StartRefused
from penstock.functions.hints import checked_value, is_union, members_of
from penstock.functions.source import Declarations

Json: TypeAlias = dict[str, Any]

SCALARS: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}


def response_format(name: str, returns: object, declared: Declarations) -> Json | None:
    """OpenAI's `response_format` for a function, or None if it answers in free text.

    Names are the aliases that the prompt uses, and every field must be written, null where it is optional,
    since small models skip what they may. The root need not be an object: vLLM takes any, OpenAI objects.
    Raises StartRefused for a type that has no such schema.
    """
    if returns is str:
        return None
    schema = _Schema(declared)
    root = schema.root(returns)
    if schema.definitions:
        root["$defs"] = schema.definitions
    return {"type": "json_schema", "json_schema": {"name": name, "schema": root, "strict": True}}


class _Schema:
    """Collects the definitions of the classes and enums met on the way."""

    def __init__(self, declared: Declarations) -> None:
        self.declared = declared
        self.definitions: dict[str, Json] = {}

    def root(self, hint: object) -> Json:
        """The schema of the whole answer. OpenAI takes no reference there, so a class stands there itself."""
        if isinstance(hint, type) and issubclass(hint, BaseModel) and checked_value(hint) is None:
            return self._object(hint)
        return self.of(hint)

    def of(self, hint: object) -> Json:
        if hint in SCALARS:
            return {"type": SCALARS[hint]}
        if isinstance(hint, type) and issubclass(hint, Enum | BaseModel):
            inner = checked_value(hint)
            return self.of(inner) if inner is not None else self._reference(hint)
        origin, parts = get_origin(hint), get_args(hint)
        if origin is Literal:
            return _enum(list(parts))
        if origin is list:
            return {"type": "array", "items": self.of(parts[0])}
        if origin is dict:
            return self._map(*parts)
        if is_union(hint):
            return self._union(members_of(hint))
        raise StartRefused(f"BAML's type {hint} cannot be served: there is no JSON schema for it.")

    def _reference(self, cls: type[Enum | BaseModel]) -> Json:
        name = cls.__name__
        if name not in self.definitions:
            self.definitions[name] = {}  # before its fields, which may lead back here
            self.definitions[name] = self._object(cls) if issubclass(cls, BaseModel) else self._enum(cls)
        return {"$ref": f"#/$defs/{name}"}

    def _object(self, cls: type[BaseModel]) -> Json:
        members = self.declared[cls.__name__].members
        fields = {
            wire: self.of(field.annotation)
            for name, field in cls.model_fields.items()
            if (wire := members[name].wire) is not None
        }
        return {
            "type": "object",
            "properties": fields,
            "required": list(fields),
            "additionalProperties": False,
        }

    def _enum(self, cls: type[Enum]) -> Json:
        return _enum(list(self.declared[cls.__name__].wires().values()))

    def _map(self, key: object, value: object) -> Json:
        if key is str:
            return {"type": "object", "additionalProperties": self.of(value)}
        if isinstance(key, type) and issubclass(key, Enum):
            names = self._enum(key)["enum"]
        else:
            names = self._union(members_of(key))["enum"]
        properties = dict.fromkeys(names, self.of(value))
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def _union(self, members: tuple[object, ...]) -> Json:
        literals = [value for hint in members if get_origin(hint) is Literal for value in get_args(hint)]
        others = [self.of(hint) for hint in members if get_origin(hint) is not Literal]
        options = [_enum(literals), *others] if literals else others
        return options[0] if len(options) == 1 else {"anyOf": options}


def _enum(values: list[Any]) -> Json:
    types = {SCALARS[type(value)] for value in values}
    return {"type": types.pop() if len(types) == 1 else sorted(types), "enum": values}
