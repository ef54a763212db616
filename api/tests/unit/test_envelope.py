"""A chunk is passed on unread only if it says what one that was read said, but for its text."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from penstock.upstream.envelope import Envelope


def chunk(text: str, member: str = "content", finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {member: text}, "finish_reason": finish}
    told = json.dumps({"id": "chatcmpl-1", "choices": [choice], **more}, separators=(",", ":"), ensure_ascii=False)
    return f"data: {told}\n\n".encode()


def learned(event: bytes) -> Envelope:
    envelope = Envelope()
    envelope.learn(event)
    return envelope


def said(event: bytes) -> Any:
    """Without its text."""
    told = json.loads(event.removeprefix(b"data: "))
    told["choices"][0]["delta"] = dict.fromkeys(told["choices"][0]["delta"])
    return told


@pytest.mark.parametrize("member", ["content", "reasoning", "reasoning_content", "text"])
@pytest.mark.parametrize("text", ["b", "", "ä 🙂", "{}[],:", "null"])
def test_another_text_fits(member: str, text: str) -> None:
    assert learned(chunk("a", member)).fits(chunk(text, member))


def test_spaces_are_a_style_of_their_own() -> None:
    def spaced(text: str) -> bytes:
        return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"

    assert learned(spaced("a")).fits(spaced("b"))
    assert not learned(spaced("a")).fits(chunk("b"))


@pytest.mark.parametrize(
    "event",
    [
        chunk("b", finish="stop"),
        chunk("b", usage={"prompt_tokens": 1}),
        chunk("b", member="reasoning"),
        chunk('b","error":"c'),
        chunk("b\n"),
        chunk("b").replace(b'"b"', b'"b\n"'),
        chunk("b").replace(b'"b"', b'"b\r"'),
        chunk("b").replace(b'"b"', b'"'),
        chunk("b") + chunk("c"),
        chunk("b")[:-1],
        b": comment\n\n",
        b"data: [DONE]\n\n",
        b"",
    ],
)
def test_what_says_more_or_less_does_not_fit(event: bytes) -> None:
    assert not learned(chunk("a")).fits(event)


def test_nothing_fits_before_something_is_learned() -> None:
    assert not Envelope().fits(chunk("a"))
    assert not learned(b"data: {}\n\n").fits(b"data: {}\n\n")


def test_a_text_that_writes_an_end_of_its_own_does_not_fit() -> None:
    first = chunk("a")
    forged = first.replace(b'"a"', b'"a"},"finish_reason":"stop","more":{"x":"a"')
    assert not learned(first).fits(forged)


@given(st.text(), st.text(), st.sampled_from(["content", "text"]), st.none() | st.just("stop"), st.booleans())
def test_what_fits_says_the_same(a: str, b: str, member: str, finish: str | None, more: bool) -> None:
    event = chunk(b, member, finish, **({"usage": None} if more else {}))
    if learned(chunk(a)).fits(event):
        assert said(event) == said(chunk(a))


@given(st.text(), st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=4)), max_size=3))
def test_what_was_damaged_and_fits_says_the_same(text: str, changes: list[tuple[int, bytes]]) -> None:
    event = chunk(text)
    for at, put in changes:
        event = event[:at] + put + event[at + len(put) :]
    envelope = learned(chunk("a"))
    assume(envelope.fits(event))
    raw = event.removeprefix(b"data: ").decode(errors="replace")
    assert json.loads(raw, strict=False)["choices"][0]["finish_reason"] is None
    assert event.count(b"\n") == 2
