"""An edited object means what a dict with the same changes means, and every other byte stays as it was written."""

from collections.abc import Sequence

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from penstock.upstream.edit import MANY_TOKENS, edited

NAMES = [
    "model",
    "stream_options",
    "stream",
    "guided_json",
    "messages",
    "a",
    "",
    'mo"del',
    "mödel",
    "\u2028",
    "{",
    "]:,",
]

names = st.sampled_from(NAMES) | st.text(max_size=6)
spaces = st.sampled_from(["", " ", "\n\t", "\r\n "])
numbers = st.sampled_from(
    ["0", "-1.50", "1e3", "18446744073709551615", "123456789012345678901234567890", "-0.0", "1E-2"]
)


@st.composite
def strings(draw: st.DrawFn, text: st.SearchStrategy[str]) -> str:
    """A JSON string, each of its characters written plainly or as an escape."""
    out = []
    for char in draw(text):
        if ord(char) < 0x20 or char in '"\\' or (ord(char) < 0x10000 and draw(st.integers(0, 7)) == 0):
            out.append(f"\\u{ord(char):04x}" if draw(st.booleans()) else f"\\u{ord(char):04X}")
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


@st.composite
def objects(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    members = draw(st.lists(st.tuples(strings(names), spaces, spaces, values, spaces), max_size=5))
    inside = ",".join(f"{space}{name}{gap}:{value}{after}" for name, space, gap, value, after in members)
    return "{" + (inside or draw(spaces)) + "}"


def lists(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda parts, gap: "[" + f"{gap},".join(parts) + gap + "]", st.lists(values, max_size=3), spaces)


scalars = (
    numbers | strings(names) | st.sampled_from(["true", "false", "null", '""', '"\\\\"', '"\\""', '"\\"model\\":"'])
)
values = st.recursive(scalars, lambda inner: objects(inner) | lists(inner), max_leaves=8)
bodies = st.builds(lambda before, body, after: f"{before}{body}{after}".encode(), spaces, objects(values), spaces)
changes_ = st.dictionaries(
    st.sampled_from(["model", "stream_options", "new", "a", "mödel"]),
    st.sampled_from(["meta/llama", 'q"uote', 1, None, {"include_usage": True}, [1.5]]),
    max_size=3,
)


def as_dict(raw: bytes, changes: dict[str, object], drop: frozenset[str]) -> dict[str, object]:
    kept = {name: value for name, value in orjson.loads(raw).items() if name not in drop}
    return {**kept, **changes}


@given(bodies, changes_, st.frozensets(names, max_size=3))
def test_it_means_what_a_dict_means(raw: bytes, changes: dict[str, object], drop: frozenset[str]) -> None:
    drop = drop.difference(changes)
    assert orjson.loads(edited(raw, orjson.loads(raw), changes, drop)) == as_dict(raw, changes, drop)


members_ = st.lists(st.tuples(names, values, spaces), max_size=6, unique_by=lambda member: member[0])


@given(members_, changes_, st.frozensets(names, max_size=3), spaces)
def test_members_that_are_not_touched_keep_their_bytes(
    members: Sequence[tuple[str, str, str]], changes: dict[str, object], drop: frozenset[str], space: str
) -> None:
    drop = drop.difference(changes)
    written = {name: f"{orjson.dumps(name).decode()}{gap}:{space}{value}" for name, value, gap in members}
    raw = ("{" + f"{space},".join(written.values()) + "}").encode()
    result = edited(raw, orjson.loads(raw), changes, drop)
    assert orjson.loads(result) == as_dict(raw, changes, drop)
    for name in written.keys() - changes.keys() - drop:
        assert written[name].encode() in result


def test_without_a_change_nothing_is_touched() -> None:
    raw = b' {"a" : 1.0, "a":2,\n"model":"gpt"} '
    assert edited(raw, orjson.loads(raw), {}) == raw
    assert edited(raw, orjson.loads(raw), {}, frozenset({"top_k"})) == raw


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"model":"gpt", "x" : 1.0}', b'{"model":"new", "x" : 1.0}'),
        (b'{ "x":{"y":[1]},\n"model" : "g\\"pt"}', b'{ "x":{"y":[1]},\n"model" : "new"}'),
        (b'{"stop":"\\u00e9","model":"gpt"}', b'{"stop":"\\u00e9","model":"new"}'),
        (b" {} ", b' {"model":"new"} '),
        (b' {"x":1}', b' {"model":"new","x":1}'),
    ],
)
def test_the_model_changes_in_its_place(raw: bytes, expected: bytes) -> None:
    assert edited(raw, orjson.loads(raw), {"model": "new"}) == expected


@pytest.mark.parametrize(
    "raw",
    [
        b'{"messages":[{"model":"inner"}],"model":"gpt"}',
        b'{"messages":[{"model":"inner"}],"mod\\u0065l":"gpt"}',
        b'{"messages":[{"model":"inner"}],"\\u006dodel":"gpt"}',
        b'{"messages":[{"model":"inner"}],"\\u006D\\u006Fdel":"gpt"}',
        b'{"model":"one","messages":[{"model":"inner"}],"model":"two"}',
        b'{"messages":[{"model":"inner"}],"content":"a \\"model\\":\\"gpt\\"","model":"gpt"}',
        b'{"messages":[{"model":"inner"}],"last":"model","model":"gpt"}',
        b'{"messages":[{"model":"inner"}],"model":{"model":"gpt"}}',
        b'{"messages":[{"model":"inner"}],"model":null}',
    ],
)
def test_the_model_is_the_objects_own_however_it_is_written(raw: bytes) -> None:
    result = edited(raw, orjson.loads(raw), {"model": "new"})
    found = orjson.loads(result)
    assert found["model"] == "new"
    assert found["messages"] == [{"model": "inner"}]
    assert result.count(b"new") == 1
    assert b"gpt" not in result or b"content" in result


def test_what_is_dropped_is_gone_however_often_it_stood() -> None:
    raw = b'{"top_k":1,"model":"gpt","t\\u006fp_k":2,"n":{"top_k":3}}'
    result = edited(raw, orjson.loads(raw), {}, frozenset({"top_k"}))
    assert result == b'{"model":"gpt","n":{"top_k":3}}'


def test_of_a_member_that_stands_twice_the_last_is_kept_as_every_parser_reads_it() -> None:
    raw = b'{"n":1,"x":true,"n":2,"stream_options":{}}'
    result = edited(raw, orjson.loads(raw), {"stream_options": {"include_usage": True}})
    assert result == b'{"n":2,"x":true,"stream_options":{"include_usage":true}}'


def test_a_body_of_very_many_values_is_written_anew_at_once() -> None:
    fields = {"model": "a", "stream_options": {}, "messages": [{} for _ in range(MANY_TOKENS)], "top_k": 1}
    raw = orjson.dumps(fields)
    told = edited(raw, fields, {"model": "b", "stream_options": {"include_usage": True}}, frozenset({"top_k"}))
    assert orjson.loads(told) == {
        "model": "b",
        "stream_options": {"include_usage": True},
        "messages": fields["messages"],
    }
