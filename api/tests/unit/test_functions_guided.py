"""What the guided schema lets a model write, both parsers read, and read alike."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from penstock.functions.catalog import Function
from penstock.functions.readers import Unreadable
from tests.functions import shipped

SHIPPED = shipped()
DEEPEST = 3
LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=30),
    "integer": st.integers(-(2**53), 2**53),
    "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
    "boolean": st.booleans(),
    "null": st.none(),
}


def samples(schema: Any, definitions: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Random values that the schema allows."""
    if "$ref" in schema:
        return samples(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions, depth)
    if "anyOf" in schema:
        return st.one_of([samples(each, definitions, depth) for each in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "array":
        return _lists(schema["items"], definitions, depth)
    if schema["type"] == "object":
        return _objects(schema, definitions, depth)
    return LEAVES[schema["type"]]


def _lists(items: Any, definitions: Any, depth: int) -> st.SearchStrategy[Any]:
    if depth >= DEEPEST:
        return st.just([])
    return st.lists(samples(items, definitions, depth + 1), max_size=3)


def _objects(schema: Any, definitions: Any, depth: int) -> st.SearchStrategy[Any]:
    others = schema["additionalProperties"]
    if others is not False:
        return st.dictionaries(st.text(max_size=8), samples(others, definitions, depth + 1), max_size=2)
    properties = {name: samples(each, definitions, depth + 1) for name, each in schema["properties"].items()}
    required = {name: properties.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(required, optional=properties)


def drawn_text(data: st.DataObject, function: Function) -> str:
    assert function.response_format is not None
    schema = function.response_format["json_schema"]["schema"]
    return orjson.dumps(data.draw(samples(schema, schema.get("$defs", {})))).decode()


def guided(functions: Mapping[str, Function], *, strict: bool) -> list[Function]:
    return [f for f in functions.values() if f.response_format is not None and f.whole.is_strict is strict]


@pytest.mark.parametrize("function", guided(SHIPPED, strict=True), ids=lambda function: function.name)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_shipped_functions_read_every_guided_answer_the_same_both_ways(function: Function, data: st.DataObject) -> None:
    text = drawn_text(data, function)
    strictly, leniently = function.whole.strictly(text), function.whole.lenient(text)
    assert strictly == leniently
    assert function.dump(strictly) == function.dump(leniently)


def test_every_shipped_function_is_covered_by_the_strict_parser() -> None:
    assert guided(SHIPPED, strict=True) == list(SHIPPED.values())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_user_functions_read_every_guided_answer_the_same_both_ways(
    user_functions: Mapping[str, Function], data: st.DataObject
) -> None:
    function = data.draw(st.sampled_from(guided(user_functions, strict=True)))
    text = drawn_text(data, function)
    assert function.whole.strictly(text) == function.whole.lenient(text)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_every_beginning_of_an_answer_says_nothing_that_the_answer_does_not(data: st.DataObject) -> None:
    """A list only grows, a text only grows, a choice or number is right or not yet there."""
    function = data.draw(st.sampled_from(list(SHIPPED.values())))
    text = drawn_text(data, function)
    whole = orjson.loads(function.dump(function.parse(text)))
    beginning = text[: data.draw(st.integers(1, len(text)))]
    partial = function.beginning.strictly(beginning)
    assert begins(orjson.loads(function.dump_partial(partial)), whole)


def begins(partial: Any, whole: Any) -> bool:
    match partial, whole:
        case dict(), dict():
            return all(begins(value, whole[name]) for name, value in partial.items())
        case list(), list():
            return len(partial) <= len(whole) and all(map(begins, partial, whole))
        case str(), str():
            return whole.startswith(partial)
    return partial is None or partial == whole


def test_names_are_those_of_the_prompt_and_nothing_may_be_left_out(user_functions: Mapping[str, Function]) -> None:
    tree = user_functions["GrowTree"].response_format
    assert tree is not None
    schema = tree["json_schema"]["schema"]
    prompt = user_functions["GrowTree"].build(user_functions["GrowTree"].arguments(text=""))["messages"][0]["content"]
    wires = [*schema["properties"], *schema["$defs"]["Leaf"]["properties"], *schema["$defs"]["Colour"]["enum"]]
    assert [name for name in wires if name not in prompt] == []
    assert schema["required"] == list(schema["properties"])
    assert "hidden" not in schema["properties"]
    assert schema["$defs"]["Colour"]["enum"] == ['the colour "red"', "Green", "deep-blue"]


def test_canonical_names_are_not_the_models_to_use() -> None:
    with pytest.raises(Unreadable):
        SHIPPED["ClassifyTicket"].whole.strictly('{"reason":"","category":"Billing","priority":"low","confidence":1}')


def test_a_checked_value_is_written_bare(user_functions: Mapping[str, Function]) -> None:
    schema = user_functions["Measure"].response_format
    assert schema is not None
    assert schema["json_schema"]["schema"]["properties"] == {"plus": {"type": "number"}, "small": {"type": "integer"}}


def test_free_text_is_not_guided(user_functions: Mapping[str, Function]) -> None:
    assert user_functions["Rhyme"].response_format is None
    assert user_functions["Rhyme"].parse(' "as it is" {') == ' "as it is" {'
