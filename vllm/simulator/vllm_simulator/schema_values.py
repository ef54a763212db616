"""Values that fit a JSON schema: what guided decoding would let a model say."""

from collections.abc import Mapping
from math import ceil, floor
from random import Random
from typing import Any

from vllm_simulator.regex_values import text_for
from vllm_simulator.speech import VOCABULARY

Schema = Mapping[str, Any] | bool
_DEEPEST = 8
_FORMATS = {
    "date": "2026-03-14",
    "date-time": "2026-03-14T09:26:53Z",
    "time": "09:26:53Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "ipv4": "192.0.2.1",
}
_GUESSES = {
    "properties": "object",
    "additionalProperties": "object",
    "items": "array",
    "prefixItems": "array",
    "minimum": "number",
    "maximum": "number",
    "pattern": "string",
    "minLength": "string",
    "maxLength": "string",
}


class SchemaError(ValueError):
    """A schema that no grammar can be made of."""


class SchemaValues:
    """Draws conforming values of one schema; the same seed gives the same values.

    Knows types, enum, const, $ref, $defs, anyOf, oneOf, allOf, bounds, lengths, pattern (see regex_values)
    and the usual formats. Optional properties are drawn half of the time, and left out when nested deeply,
    so that recursive schemas end.
    """

    def __init__(self, schema: Schema, seed: int) -> None:
        self._root = schema
        self._random = Random(seed)

    def draw(self) -> Any:
        """One value. Raises SchemaError when the schema asks for what does not exist."""
        return self._value(self._root, 0)

    def _value(self, schema: Schema, depth: int) -> Any:
        if isinstance(schema, bool):
            return self._word()
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        kind = self._kind(schema, depth)
        draw = getattr(self, f"_{kind}", None) if kind in _KINDS else None
        if draw is None:
            raise SchemaError(f"Invalid type: {kind}")
        return draw(schema, depth)

    def _resolved(self, schema: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
        for _ in range(_DEEPEST * 4):
            if "$ref" in schema:
                rest = {key: value for key, value in schema.items() if key != "$ref"}
                schema = {**self._target(schema["$ref"]), **rest}
            elif options := schema.get("anyOf") or schema.get("oneOf"):
                rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
                schema = _merged(rest, self._option(options, depth))
            elif parts := schema.get("allOf"):
                merged: Mapping[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
                for part in parts:
                    merged = _merged(merged, self._resolved(part, depth))
                schema = merged
            else:
                return schema
        raise SchemaError("a reference leads back to itself")

    def _target(self, reference: str) -> Mapping[str, Any]:
        node: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if name and not (isinstance(node, Mapping) and name in node):
                raise SchemaError(f"Unresolvable reference: {reference}")
            node = node[name] if name else node
        return node if isinstance(node, Mapping) else {}

    def _option(self, options: list[Mapping[str, Any]], depth: int) -> Mapping[str, Any]:
        simple = [one for one in options if "$ref" not in one and one.get("type") not in ("object", "array")]
        return self._random.choice(simple if simple and depth >= _DEEPEST else options)

    def _kind(self, schema: Mapping[str, Any], depth: int) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            return "null" if "null" in kind and depth >= _DEEPEST else str(self._random.choice(kind))
        if kind is None:
            return next((guess for key, guess in _GUESSES.items() if key in schema), "string")
        return str(kind)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        known, required = schema.get("properties", {}), schema.get("required", ())
        names = list(known) + [name for name in required if name not in known]
        extra = schema.get("additionalProperties")
        value = {
            name: self._value(known.get(name, extra if extra is not None else True), depth + 1)
            for name in names
            if name in required or (depth < _DEEPEST // 2 and self._random.random() < 0.5)
        }
        if isinstance(extra, Mapping) and not known:
            wanted = max(schema.get("minProperties", 1), len(value))
            while len(value) < wanted and depth < _DEEPEST:
                value[f"{self._word()}_{len(value)}"] = self._value(extra, depth + 1)
        return value

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        first = [self._value(one, depth + 1) for one in schema.get("prefixItems", ())]
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", least + 3), least + 3)
        wanted = least if depth >= _DEEPEST // 2 else self._random.randint(max(least, min(1, most)), most)
        items, unique = schema.get("items", True), schema.get("uniqueItems", False)
        values: list[Any] = first
        for _ in range(wanted * 20):
            if len(values) >= wanted or items is False:
                break
            value = self._value(items, depth + 1)
            if not unique or value not in values:
                values.append(value)
        return values

    def _string(self, schema: Mapping[str, Any], depth: int) -> str:
        if pattern := schema.get("pattern"):
            return text_for(pattern, self._random)
        if known := _FORMATS.get(schema.get("format", "")):
            return known
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        text = " ".join(self._word() for _ in range(self._random.randint(1, 4)))
        while len(text) < least:
            text += f" {self._word()}"
        return text if most is None else text[:most].ljust(least, "a")

    def _integer(self, schema: Mapping[str, Any], depth: int) -> int:
        least, most = _bounds(schema)
        low = ceil(least) if least is not None else min(0, floor(most or 0))
        low += "exclusiveMinimum" in schema and low == schema["exclusiveMinimum"]
        high = floor(most) if most is not None else low + 99
        high -= "exclusiveMaximum" in schema and high == schema["exclusiveMaximum"]
        step = int(schema.get("multipleOf", 1)) or 1
        if -(-low // step) > high // step:
            raise SchemaError(f"no integer lies between {low} and {high}")
        return self._random.randint(-(-low // step), high // step) * step

    def _number(self, schema: Mapping[str, Any], depth: int) -> float | int:
        if "multipleOf" in schema:
            return self._integer(schema, depth) if schema["multipleOf"] >= 1 else 0
        least, most = _bounds(schema)
        low = least if least is not None else min(0.0, (most or 0.0) - 1)
        high = most if most is not None else low + 100
        if low > high:
            raise SchemaError(f"no number lies between {low} and {high}")
        share = self._random.randint(1, 99) / 100
        drawn = low + (high - low) * share
        rounded = round(drawn, 2)
        return rounded if low < rounded < high else drawn

    def _boolean(self, schema: Mapping[str, Any], depth: int) -> bool:
        return self._random.random() < 0.5

    def _null(self, schema: Mapping[str, Any], depth: int) -> None:
        return None

    def _word(self) -> str:
        return self._random.choice(VOCABULARY).strip()


_KINDS = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})


def _bounds(schema: Mapping[str, Any]) -> tuple[float | None, float | None]:
    lows = [schema[key] for key in ("minimum", "exclusiveMinimum") if schema.get(key) is not None]
    highs = [schema[key] for key in ("maximum", "exclusiveMaximum") if schema.get(key) is not None]
    return max(lows, default=None), min(highs, default=None)


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**first, **second}
    for key in ("properties", "$defs"):
        if key in first and key in second:
            merged[key] = {**first[key], **second[key]}
    if "required" in first and "required" in second:
        merged["required"] = [*first["required"], *second["required"]]
    return merged
