"""What each event of a stream is to us, and when an answer is whole."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from penstock.errors import StreamBroken
from penstock.upstream.alarm import Alarm
from penstock.upstream.chat_events import DONE, ChatEvents
from penstock.upstream.exchange import Exchange
from penstock.upstream.responses_events import ResponsesEvents
from penstock.upstream.sse import data_of, name_of
from penstock.upstream.stream import Stream
from penstock.upstream.streams import Events, Seen
from penstock.upstream.usage import Usage, usage_of


def event(chunk: dict[str, Any] | bytes, name: str = "") -> bytes:
    data = chunk if isinstance(chunk, bytes) else orjson.dumps(chunk)
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n"


def token(text: str = "a", finish: str | None = None, index: int = 0, **more: Any) -> bytes:
    choice = {"index": index, "delta": {"content": text}, "finish_reason": finish}
    return event({"choices": [choice], **more})


def whole(events: Events) -> bool:
    return events.complete


USAGE = {"prompt_tokens": 5, "completion_tokens": 7}


def test_a_whole_chat_stream() -> None:
    events = ChatEvents(1)
    stream = [
        token(""),
        token("a"),
        token("b", usage=None),
        token("", "stop"),
        event({"choices": [], "usage": USAGE}),
        DONE,
    ]
    seen = [events.see(each) for each in stream]
    assert seen == ["preamble"] + ["token"] * 3 + ["usage", "done"]
    assert whole(events)
    assert events.usage == (5, 7, True)
    assert events.tokens == 3


@pytest.mark.parametrize(
    ("choice", "seen"),
    [
        ({"delta": {"role": "assistant", "content": ""}}, "preamble"),
        ({"delta": {"role": "assistant", "content": None, "tool_calls": []}}, "preamble"),
        ({"delta": {"tool_calls": [{"index": 0}]}}, "token"),
        ({"delta": {"reasoning": "hm"}}, "token"),
        ({"delta": {}, "finish_reason": "stop"}, "token"),
        ({"text": ""}, "preamble"),
        ({"text": "a"}, "token"),
    ],
)
def test_a_token_says_something(choice: dict[str, Any], seen: Seen) -> None:
    assert ChatEvents(1).see(event({"choices": [{"index": 0, **choice}]})) is seen


class Carrier:
    """A connection of which nothing is asked that matters here."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def abort(self) -> None: ...


async def test_what_is_left_of_a_read_belongs_to_the_next() -> None:
    """Even if that looks like a whole event by itself."""
    loop = asyncio.get_running_loop()
    exchange = Exchange(Carrier(), Alarm(loop), reused=False)
    stream = Stream(exchange, ChatEvents(1), between_s=5, deadline=loop.time() + 5, wants_usage=False)
    exchange.began(200, {})
    exchange.arrived(token("a"), b"")
    assert await stream.open(loop.time() + 5) is None
    given: list[bytes] = []
    poured = asyncio.create_task(
        stream.pour(lambda events, last: given.extend(events), lambda event, framed: given.append(event))
    )
    await asyncio.sleep(0)
    for read in (token("b"), b": ", token("c"), token("d", "stop")):
        exchange.arrived(read, b"")
    exchange.finished()
    assert (await poured).error is None
    assert given == [token("a"), token("b"), b": " + token("c"), token("d", "stop")]


@pytest.mark.parametrize(("end", "flags"), [(DONE, [False, True]), (b"", [False, False])])
async def test_it_is_told_which_events_come_with_the_end(end: bytes, flags: list[bool]) -> None:
    loop = asyncio.get_running_loop()
    exchange = Exchange(Carrier(), Alarm(loop), reused=False)
    stream = Stream(exchange, ChatEvents(1), between_s=5, deadline=loop.time() + 5, wants_usage=False)
    exchange.began(200, {})
    exchange.arrived(token("a"), b"")
    assert await stream.open(loop.time() + 5) is None
    lasts: list[bool] = []
    poured = asyncio.create_task(stream.pour(lambda events, last: lasts.append(last), lambda event, framed: None))
    await asyncio.sleep(0)
    exchange.arrived(token("b", "stop") + end, b"")
    exchange.finished()
    assert ((await poured).error, lasts) == (None, flags)


def test_a_preamble_that_comes_twice_is_still_none() -> None:
    events = ChatEvents(1)
    assert [events.see(token("")) for _ in range(3)] == ["preamble"] * 3
    assert events.tokens == 0


def test_an_empty_finish_reason_is_none() -> None:
    events = ChatEvents(1)
    events.see(token("a"))
    events.see(token("b", ""))
    assert not whole(events)


@pytest.mark.parametrize("text", ["a", ""])
def test_an_answer_that_was_given_up_is_an_error(text: str) -> None:
    events = ChatEvents(1)
    assert events.see(token(text, "abort")) == "error"
    assert not whole(events)


def test_the_end_counts_when_it_is_written_with_spaces() -> None:
    events = ChatEvents(1)
    events.see(token())
    events.see(event(b'{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": null}'))
    assert whole(events)


@pytest.mark.parametrize(
    "written", [b'{"choices": [{"finish_reason": null}]}', b'{"choices":[{"finish_reason":null}]}']
)
def test_null_is_no_finish_reason(written: bytes) -> None:
    events = ChatEvents(1)
    events.see(token())
    assert [events.see(event(written)) for _ in range(3)] == ["token"] * 3
    assert not whole(events)
    assert events.tokens == 4


def test_text_that_looks_like_an_end_is_text() -> None:
    events = ChatEvents(1)
    for text in ('"finish_reason":"stop"', '"usage":{"prompt_tokens":1}', '"error":{}', "[DONE]"):
        assert events.see(token(text)) == "token"
        assert events.see(token(text)) == "token"
    assert not whole(events)
    assert events.usage is None
    assert events.error is None


def test_an_end_whose_text_says_otherwise_is_an_end() -> None:
    events = ChatEvents(1)
    events.see(token())
    events.see(token('"finish_reason":null', "length"))
    assert whole(events)


def test_every_choice_has_to_finish() -> None:
    events = ChatEvents(3)
    events.see(token())
    events.see(event({"choices": [{"index": 0, "finish_reason": "stop"}, {"index": 1, "finish_reason": None}]}))
    events.see(token("", "stop", index=0))
    assert not whole(events)
    events.see(event({"choices": [{"index": 1, "finish_reason": None}, {"index": 2, "finish_reason": "length"}]}))
    assert not whole(events)
    events.see(token("", "stop", index=1))
    assert whole(events)


def test_usage_in_every_chunk_is_read_from_the_last() -> None:
    events = ChatEvents(1)
    for count in range(1, 4):
        seen = events.see(token(usage={"prompt_tokens": 5, "completion_tokens": count}))
        assert seen == "token", "it carries text, so the client gets it"
    assert events.usage == (5, 3, True)


@pytest.mark.parametrize("after", [False, True])
def test_an_error_is_seen_before_and_after_the_first_token(after: bool) -> None:
    events = ChatEvents(1)
    if after:
        events.see(token())
    assert events.see(event({"error": {"message": "dead", "code": 500}})) == "error"
    assert events.error == {"message": "dead", "code": 500}
    assert not whole(events)


def test_an_error_in_a_chunk_like_any_other_is_an_error() -> None:
    events = ChatEvents(1)
    assert events.see(token()) == "token"
    assert events.see(token(error={"message": "gone", "code": 500})) == "error"
    assert events.error == {"message": "gone", "code": 500}


def test_what_holds_no_choice_proves_nothing() -> None:
    events = ChatEvents(1)
    assert events.see(event({"id": "chatcmpl-1"})) == "preamble"
    assert events.see(event({"choices": []})) == "preamble"
    assert events.see(event({"choices": "no"})) == "preamble"
    assert events.see(b": keep-alive\n\n") == "comment"
    assert events.see(b"event: ping\n\n") == "comment"
    assert events.tokens == 0


@pytest.mark.parametrize("data", [b"not JSON", b"[]", b"{", b'{"choices":[}', b'"error"', b"{\xff}"])
def test_malformed_before_and_among_tokens(data: bytes) -> None:
    events = ChatEvents(1)
    assert events.see(event(data)) == "malformed"
    assert events.tokens == 0


def test_an_end_that_cannot_be_read_is_no_end() -> None:
    events = ChatEvents(1)
    events.see(token())
    assert events.see(event(b'{"choices":[{"finish_reason":"stop"}}')) == "malformed"
    assert not whole(events)


def test_an_error_of_ours_is_one_that_openais_clients_know() -> None:
    told = ChatEvents(1).failing(StreamBroken("It broke."))
    reader = ChatEvents(1)
    assert reader.see(told) == "error"
    assert reader.error == {"message": "It broke.", "type": "server_error", "param": None, "code": "stream_broken"}


def test_a_stream_that_was_not_closed_is_closed_as_openai_closes_it() -> None:
    assert ChatEvents(1).ending() == b"data: [DONE]\n\n"
    assert ResponsesEvents(1).ending() == b""


# Responses


def named(kind: str, **more: Any) -> bytes:
    return event({"type": kind, **more}, kind)


def test_a_whole_response() -> None:
    events = ResponsesEvents(1)
    opening = [named("response.created"), named("response.queued"), named("response.in_progress")]
    assert [events.see(each) for each in opening] == ["preamble"] * 3
    assert events.see(b": keep-alive\n\n") == "comment"
    middle = [named("response.output_item.added"), named("response.output_text.delta", delta="a")]
    assert [events.see(each) for each in middle] == ["token"] * 2
    assert events.tokens == 1
    assert not whole(events)
    usage = {"input_tokens": 3, "output_tokens": 4}
    assert events.see(named("response.completed", response={"usage": usage})) == "token"
    assert whole(events)
    assert events.usage == (3, 4, True)


def test_a_response_that_reached_its_limit_is_whole() -> None:
    events = ResponsesEvents(1)
    events.see(named("response.incomplete", response={"usage": None}))
    assert whole(events)
    assert events.usage is None


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (named("response.failed", response={"error": {"code": "server_error"}}), {"code": "server_error"}),
        (named("error", code="x", message="m"), {"type": "error", "code": "x", "message": "m"}),
        (event({"error": {"message": "dead"}}), {"message": "dead"}),
        (event({"type": "response.failed", "response": {"error": {"code": "y"}}}), {"code": "y"}),
    ],
)
def test_each_way_to_tell_an_error(told: bytes, error: dict[str, object]) -> None:
    events = ResponsesEvents(1)
    assert events.see(told) == "error"
    assert events.error == error
    assert not whole(events)


def test_events_without_a_name_go_by_their_type() -> None:
    events = ResponsesEvents(1)
    assert events.see(event({"type": "response.created"})) == "preamble"
    assert events.see(event({"type": "response.output_text.delta"})) == "token"
    assert events.see(event({"type": "response.completed", "response": {}})) == "token"
    assert whole(events)
    assert events.see(DONE) == "done"


@pytest.mark.parametrize("data", [b"not JSON", b"[]", b"7", b"{", b""])
def test_a_last_event_that_cannot_be_read_is_no_end(data: bytes) -> None:
    events = ResponsesEvents(1)
    assert events.see(event(data, "response.completed")) == "malformed"
    assert not whole(events)


def test_a_responses_error_of_ours_is_numbered_after_what_was_sent() -> None:
    events = ResponsesEvents(1)
    for kind in ("response.created", "response.output_text.delta"):
        events.see(named(kind))
    told = events.failing(StreamBroken("It broke."))
    assert name_of(told) == b"error"
    assert orjson.loads(data_of(told) or b"") == {
        "type": "error",
        "code": "stream_broken",
        "message": "It broke.",
        "param": None,
        "sequence_number": 2,
    }


# Whatever a target may send


keys = st.sampled_from(
    "choices finish_reason index usage error type response prompt_tokens completion_tokens input_tokens".split()
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
hostile_json = st.dictionaries(keys, json_values, max_size=5).map(lambda told: json.dumps(told).encode())
event_names = st.sampled_from([b"", b"event: response.completed\n", b"event: error\n", b"event: x\n"])
hostile = st.binary(max_size=40) | st.builds(
    lambda name, data: name + b"data: " + data + b"\n\n", event_names, hostile_json
)


@pytest.mark.parametrize("kind", [ChatEvents, ResponsesEvents])
@given(stream=st.lists(hostile, max_size=8), choices=st.integers(1, 3))
def test_no_stream_is_too_strange_to_read(kind: Callable[[int], Events], stream: list[bytes], choices: int) -> None:
    events = kind(choices)
    for each in stream:
        events.see(each)
    assert events.usage is None or min(events.usage.input, events.usage.output) >= 0
    assert events.error is None or isinstance(events.error, dict)


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 7}, Usage(5, 7)),
        ({"input_tokens": 5, "output_tokens": 7}, Usage(5, 7)),
        ({"prompt_tokens": 5, "total_tokens": 5}, Usage(5, 0)),
        ({"prompt_tokens": -1, "completion_tokens": 7}, None),
        ({"prompt_tokens": 1, "completion_tokens": -7}, None),
        ({"prompt_tokens": 5.5, "completion_tokens": 7}, None),
        ({"prompt_tokens": "5", "completion_tokens": 7}, None),
        ({}, None),
        (None, None),
        ([5, 7], None),
    ],
)
def test_usage_is_read_in_both_spellings_and_never_below_zero(told: object, usage: Usage | None) -> None:
    assert usage_of(told) == usage
