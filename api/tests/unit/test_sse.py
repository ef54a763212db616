"""Events are the same however their bytes are cut, in each of the three line ends."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from penstock.upstream.sse import EventTooLarge, Splitter, data_of, name_of


def chunked(stream: bytes, cuts: Sequence[int]) -> list[bytes]:
    ends = sorted({cut % (len(stream) + 1) for cut in cuts} | {len(stream)})
    return [stream[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def events_of(chunks: Sequence[bytes], limit: int = 10_000) -> tuple[list[bytes], bytes]:
    splitter = Splitter(limit)
    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    return events, splitter.rest


cuts_ = st.lists(st.integers(0, 400), max_size=12)
any_bytes = st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"data: x", b":", b"a", b"\x00\xff"]), max_size=30)


@given(any_bytes.map(b"".join), cuts_)
def test_any_cutting_of_any_bytes_yields_the_same_events(stream: bytes, cuts: Sequence[int]) -> None:
    events, rest = events_of([stream])
    assert events_of(chunked(stream, cuts)) == (events, rest)
    assert b"".join(events) + rest == stream, "and not a byte is lost or added"


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
lines_ = st.lists(
    st.sampled_from(["data: ", "event: ", ": ", "id: "]).flatmap(lambda at: texts.map(at.__add__)), min_size=1
)


@given(st.lists(lines_, max_size=6), st.sampled_from(["\n", "\r\n", "\r"]), cuts_)
def test_whole_events_come_out_as_they_were_sent(
    sent: Sequence[Sequence[str]], line_end: str, cuts: Sequence[int]
) -> None:
    events = ["".join(line + line_end for line in lines).encode() + line_end.encode() for lines in sent]
    stream = b"".join(events) + b"data: not whole"
    assert events_of(chunked(stream, cuts)) == (events, b"data: not whole")


def test_an_event_that_never_ends_is_not_waited_for() -> None:
    splitter = Splitter(100)
    assert splitter.feed(b"data: " + b"x" * 94) == []
    with pytest.raises(EventTooLarge, match="100"):
        splitter.feed(b"x")


def test_the_limit_is_an_events_and_not_the_streams() -> None:
    assert len(events_of([b"data: " + b"x" * 90 + b"\n\n"] * 50, limit=100)[0]) == 50


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"data: {}\n\n", b"{}"),
        (b"data:{}\n\n", b"{}"),
        (b"data: {}\r\n\r\n", b"{}"),
        (b"data: {}\r\r", b"{}"),
        (b"data: [DONE]\n\n", b"[DONE]"),
        (b"event: x\ndata: {}\n\n", b"{}"),
        (b"data: {}\nid: 7\n\n", b"{}"),
        (b'data: {"a":\ndata: 1}\n\n', b'{"a":\n1}'),
        (b'data: {"a":\r\ndata: 1}\r\n\r\n', b'{"a":\n1}'),
        (b": keep-alive\n\n", None),
        (b": data: {}\n\n", None),
        (b"event: ping\n\n", None),
        (b"data:\n\n", b""),
        (b"\n\n", None),
        (b"", None),
    ],
)
def test_the_data_of_an_event(event: bytes, data: bytes | None) -> None:
    assert data_of(event) == data


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (b"event: response.created\ndata: {}\n\n", b"response.created"),
        (b"data: {}\r\nevent:done\r\n\r\n", b"done"),
        (b"data: event: x\n\n", b""),
        (b": event: x\n\n", b""),
    ],
)
def test_the_name_of_an_event(event: bytes, name: bytes) -> None:
    assert name_of(event) == name


@given(st.binary(max_size=60))
def test_no_bytes_are_too_strange_to_look_at(event: bytes) -> None:
    data_of(event)
    name_of(event)
