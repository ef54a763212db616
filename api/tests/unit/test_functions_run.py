"""Asking and answering: the request's body, the reply's text, and the typed stream."""

from typing import Any

import orjson
import pytest
from penstock.errors import OutputRefused, OutputTruncated, PenstockError, StreamBroken, UnparseableOutput
from penstock.functions.partials import PARTIAL_SECONDS, Partials, broken
from penstock.functions.run import body, text_of
from tests.functions import shipped

SHIPPED = shipped()
SUMMARIZE = SHIPPED["SummarizeThread"]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def reply(content: object, finish_reason: str | None = "stop", **message: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"content": content, **message}, "finish_reason": finish_reason}]}


def chunk(content: object, finish_reason: str | None = None, **delta: object) -> bytes:
    choice = {"index": 0, "delta": {"content": content, **delta}, "finish_reason": finish_reason}
    return b"data: " + orjson.dumps({"object": "chat.completion.chunk", "choices": [choice]}) + b"\n\n"


def told(event: bytes) -> tuple[str, Any]:
    name, data = event.removesuffix(b"\n\n").split(b"\n")
    return name.removeprefix(b"event: ").decode(), orjson.loads(data.removeprefix(b"data: "))


def test_the_body_is_bamls_held_to_the_schema() -> None:
    function = SHIPPED["ScreenMessage"]
    asked = body(function, function.arguments(text="hi"), stream=False)
    assert asked["response_format"] == function.response_format
    assert "stream" not in asked
    assert body(function, function.arguments(text="hi"), stream=True)["stream"] is True


def test_a_functions_schema_is_not_shared_with_the_body_by_accident_of_streaming() -> None:
    function = SHIPPED["ScreenMessage"]
    first = body(function, function.arguments(text="a"), stream=True)
    assert "stream" not in body(function, function.arguments(text="b"), stream=False)
    assert first["messages"] != body(function, function.arguments(text="b"), stream=True)["messages"]


def test_the_text_of_a_reply() -> None:
    assert text_of(reply("hello")) == "hello"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply('{"title":"cut', "length"), OutputTruncated),
        (reply("whole", None), OutputTruncated),
        (reply("whole", "abort"), OutputTruncated),
        (reply("", "content_filter"), OutputRefused),
        (reply(None, "stop", refusal="I would rather not."), OutputRefused),
        (reply(""), UnparseableOutput),
        (reply(" \n"), UnparseableOutput),
        (reply(None), UnparseableOutput),
        ({"choices": []}, UnparseableOutput),
        ({"choices": [{"message": None}]}, UnparseableOutput),
        ({"error": {}}, UnparseableOutput),
    ],
)
def test_an_answer_that_is_none_is_an_error(answer: dict[str, Any], error: type[PenstockError]) -> None:
    with pytest.raises(error):
        text_of(answer)


def test_a_stream_grows_into_the_final_value() -> None:
    clock = Clock()
    partials = Partials(SUMMARIZE, clock)
    text = (
        '{"title":"Release moved","summary":"To Thursday.","action_items":[{"task":"Rerun","owner":"Ada","due":null}]}'
    )
    sent = [partials.event(chunk("", role="assistant"))]
    for piece in (text[i : i + 12] for i in range(0, len(text), 12)):
        clock.now += PARTIAL_SECONDS
        sent.append(partials.event(chunk(piece)))
    sent += [partials.event(chunk("", "stop")), partials.event(b'data: {"choices":[],"usage":{}}\n\n')]
    sent += [partials.event(b"data: [DONE]\n\n"), partials.end()]
    events = [told(event) for event in sent if event]
    assert [name for name, _ in events[:-1]] == ["partial"] * (len(events) - 1)
    assert events[0] == ("partial", {"title": "R", "summary": None, "action_items": []})
    assert events[-1] == ("final", orjson.loads(text))
    assert len(events) > 5


def test_partials_wait_for_time_and_for_growth() -> None:
    clock = Clock()
    partials = Partials(SUMMARIZE, clock)
    assert partials.event(chunk('{"title":"' + "a" * 800))
    assert not partials.event(chunk("b" * 800)), "too soon"
    clock.now = PARTIAL_SECONDS
    assert partials.event(chunk("c")), "the time has come, and it grew meanwhile"
    clock.now = 10.0
    assert not partials.event(chunk("d")), "too little is new"
    assert partials.event(chunk("d" * 300))


def test_a_long_stream_is_read_few_times() -> None:
    clock = Clock()
    partials = Partials(SUMMARIZE, clock)
    events = [partials.event(chunk('{"title":"'))]
    for _ in range(10_000):
        clock.now += 1.0
        events.append(partials.event(chunk("word ")))
    assert 20 < sum(map(bool, events)) < 100


def test_the_same_partial_is_not_sent_twice() -> None:
    clock = Clock()
    partials = Partials(SUMMARIZE, clock)
    assert partials.event(chunk('{"title":"a","summary"'))
    clock.now = 1.0
    assert partials.event(chunk("          ")) == b""


@pytest.mark.parametrize("piece", [": keep-alive\n\n", "data: [DONE]\n\n", 'data: {"choices":[]}\n\n', "\n"])
def test_events_without_text_say_nothing(piece: str) -> None:
    assert Partials(SUMMARIZE, Clock()).event(piece.encode()) == b""


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (chunk("cut", "length"), OutputTruncated),
        (chunk("", "content_filter"), OutputRefused),
        (chunk(None, "stop", refusal="No."), OutputRefused),
        (chunk("", "stop"), UnparseableOutput),
        (chunk("no JSON at all", "stop"), UnparseableOutput),
        (b"data: [DONE]\n\n", StreamBroken),
    ],
)
def test_a_stream_that_does_not_end_well_has_no_final_value(last: bytes, error: type[PenstockError]) -> None:
    partials = Partials(SUMMARIZE, Clock())
    partials.event(last)
    with pytest.raises(error):
        partials.end()


@pytest.mark.parametrize("event", [b'data: {"error":{"message":"EngineCore died"}}\n\n', b"data: {half\n\n"])
def test_an_error_in_the_stream_breaks_it(event: bytes) -> None:
    with pytest.raises(StreamBroken):
        Partials(SUMMARIZE, Clock()).event(event)


def test_how_a_broken_stream_is_told() -> None:
    name, data = told(broken(OutputTruncated("cut")))
    assert name == "error"
    assert data == {"error": {"message": "cut", "type": "server_error", "param": None, "code": "output_truncated"}}
