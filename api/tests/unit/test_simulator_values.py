"""Values drawn for a schema fit it, as a reader of the schema who shares no code with the drawer judges."""

import re
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vllm_simulator.regex_values import text_for
from vllm_simulator.schema_values import SchemaError, SchemaValues
from vllm_simulator.speech import speak
from vllm_simulator.tokens import identify, pieces, spell

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return any(fits(value, option, root) for option in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    kind = schema["type"]
    if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return False
    return READERS[kind](value, schema, root)


def _object(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    known = schema["properties"]
    return set(schema["required"]) <= set(value) <= set(known) and all(
        fits(part, known[name], root) for name, part in value.items()
    )


def _array(value: list[Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 1000):
        return False
    return all(fits(part, schema["items"], root) for part in value)


def _string(value: str, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    return bool(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 1000))


def _number(value: float, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if isinstance(value, bool) or value is None:
        return True
    above = value >= schema.get("minimum", value) and value > schema.get("exclusiveMinimum", value - 1)
    below = value <= schema.get("maximum", value) and value < schema.get("exclusiveMaximum", value + 1)
    return bool(above and below)


READERS: dict[str, Callable[[Any, dict[str, Any], dict[str, Any]], bool]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _number,
    "number": _number,
    "boolean": _number,
    "null": _number,
}


def bounded(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    low = st.integers(-50, 50)
    between = low.flatmap(
        lambda least: st.builds(
            lambda width: {"type": kind, "minimum": least, "maximum": least + width}, st.integers(0, 20)
        )
    )
    outside = low.map(lambda least: {"type": kind, "exclusiveMinimum": least, "exclusiveMaximum": least + 2})
    return st.one_of(between, outside, low.map(lambda most: {"type": kind, "maximum": most}), st.just({"type": kind}))


lengths = st.integers(0, 9).flatmap(
    lambda least: st.builds(
        lambda more: {"type": "string", "minLength": least, "maxLength": least + more}, st.integers(0, 9)
    )
)
leaves = st.one_of(
    bounded("integer"),
    bounded("number"),
    lengths,
    st.sampled_from([{"type": kind} for kind in ("string", "boolean", "null")]),
    st.lists(st.integers(), min_size=1).map(lambda options: {"enum": options}),
    st.just({"$ref": "#/$defs/Leaf"}),
    st.just({"$ref": "#/$defs/Tree"}),
)


def _objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from("abcdef"), inner, max_size=4).flatmap(
        lambda known: st.lists(st.sampled_from(sorted(known) or ["a"]), unique=True).map(
            lambda required: {
                "type": "object",
                "properties": known,
                "required": [name for name in required if name in known],
            }
        )
    )


schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        _objects(inner),
        st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3)),
        st.builds(lambda items, most: {"type": "array", "items": items, "maxItems": most}, inner, st.integers(0, 3)),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
    ),
    max_leaves=8,
)
DEFINITIONS = {
    "Leaf": {"type": "string", "maxLength": 5},
    "Tree": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
            "parent": {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}]},
        },
        "required": ["name", "children", "parent"],
    },
}


@given(schemas, st.integers(0, 2**32))
def test_drawn_values_fit_their_schema(schema: dict[str, Any], seed: int) -> None:
    root = {**schema, "$defs": DEFINITIONS}
    value = SchemaValues(root, seed).draw()
    assert fits(value, schema, root), value
    assert SchemaValues(root, seed).draw() == value


def test_properties_may_be_spread_over_all_of() -> None:
    schema = {
        "allOf": [
            {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]},
            {"properties": {"b": {"const": 2}}, "required": ["b"]},
        ]
    }
    assert SchemaValues(schema, 0).draw() == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "alien"},
        {"$ref": "#/$defs/Nowhere"},
        {"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"},
        {"type": "integer", "minimum": 3, "maximum": 2},
    ],
)
def test_a_schema_that_nothing_fits_is_an_error(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        SchemaValues(schema, 0).draw()


@pytest.mark.parametrize(
    "pattern",
    [
        r"[a-f]{4}",
        r"\d{3}-\d{2}",
        r"(red|green|blue)+",
        r"^[^a-z]x?y*$",
        r"\w+@\w+\.com",
        r"(?:ab){2,3}.",
        r"[A-Z_]\s\S",
    ],
)
@pytest.mark.parametrize("seed", range(10))
def test_drawn_texts_match_their_pattern(pattern: str, seed: int) -> None:
    assert re.fullmatch(pattern, text_for(pattern, Random(seed)))


@given(st.text())
def test_tokens_are_the_text_again_and_ids_are_the_tokens_again(text: str) -> None:
    parts = pieces(text)
    assert "".join(parts) == text
    assert spell(identify(parts)) == parts


@given(st.text(max_size=20), st.integers(1, 40))
def test_what_is_said_tokenizes_to_what_it_was_said_in(before: str, tokens: int) -> None:
    said = speak(before, tokens)
    assert pieces("".join(said)) == said
