"""How deep and how much a body may hold."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from penstock.errors import RequestTooComplex
from penstock.settings.requests import Requests
from penstock.surfaces.bounds import Bounds

TOLD = Requests(max_depth=10, max_messages=5, max_tools=3, max_choices=4)
BOUNDS = Bounds(TOLD)


def param_of(body: bytes | dict[str, Any]) -> str | None:
    """`fine`, or what the refusal names."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    try:
        BOUNDS.check(orjson.loads(raw))
    except RequestTooComplex as error:
        return error.param
    return "fine"


def depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return int(isinstance(value, dict | list)) + max(map(depth, inside), default=0)


def nested(levels: int, *, lists: bool) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if lists else {"a": value}
    return value


@pytest.mark.parametrize("name", ["a", "metadata"])
@pytest.mark.parametrize("lists", [True, False])
@pytest.mark.parametrize(("levels", "told"), [(9, "fine"), (10, None), (200, None)])
def test_a_body_may_be_so_deep(levels: int, told: str | None, lists: bool, name: str) -> None:
    assert param_of({name: nested(levels, lists=lists)}) == told


def test_the_refusal_names_the_setting() -> None:
    with pytest.raises(RequestTooComplex, match=r"requests\.max_depth"):
        BOUNDS.check({"a": nested(20, lists=True)})


def test_width_and_text_are_no_depth() -> None:
    assert param_of({"a": [[]] * 500, "b": "[{" * 500}) == "fine"


@given(st.recursive(st.booleans(), lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside), max_leaves=40))
def test_depth_is_what_a_plain_walk_finds(value: Any) -> None:
    body = {"a": nested(7, lists=True), "b": value, "c": [[]] * 20}
    assert (param_of(body) == "fine") is (depth(body) <= TOLD.max_depth)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"messages": [{}] * 5}, "fine"),
        ({"messages": [{}] * 6}, "messages"),
        ({"input": ["a"] * 6}, "input"),
        ({"prompt": ["a"] * 6}, "prompt"),
        ({"prompt": [1] * 6000}, "fine"),
        ({"input": [[1]] * 6}, "input"),
        ({"tools": [{}] * 3, "n": 4}, "fine"),
        ({"tools": [{}] * 4}, "tools"),
        ({"functions": [{}] * 4}, "functions"),
        ({"n": 5}, "n"),
        ({"best_of": 5}, "best_of"),
        ({"n": -1, "messages": "no list", "tools": None}, "fine"),
    ],
)
def test_a_body_may_hold_so_many(body: dict[str, Any], told: str) -> None:
    assert param_of(body) == told
