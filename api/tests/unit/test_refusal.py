"""What a target's error means, and how its refusal reads in OpenAI's words."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from penstock.upstream.refusal import error_in, failure_in_stream, failure_of, refused
from penstock.upstream.verdicts import Outcome

TOO_LONG = {
    "message": "This model's maximum context length is 512 tokens.",
    "type": "BadRequestError",
    "param": "input_tokens",
    "code": 400,
}


def body(error: object) -> bytes:
    return orjson.dumps({"error": error})


def test_a_refusal_is_the_targets_own_in_openais_shape() -> None:
    failure = failure_of(400, {}, body(TOO_LONG))
    assert failure.outcome == "refused"
    refusal = failure.refusal
    assert refusal is not None
    assert (refusal.status, refusal.message, refusal.param) == (400, TOO_LONG["message"], "input_tokens")
    assert (refusal.type, refusal.code) == ("invalid_request_error", "context_length_exceeded")


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (404, {"param": "model", "code": 404}, "model_not_found"),
        (404, {"code": 404}, "not_found"),
        (404, {"param": "model", "code": "deployment_not_found"}, "deployment_not_found"),
        (400, {"code": "content_filter"}, "content_filter"),
        (400, {"code": 400}, "target_refused"),
        (422, {}, "target_refused"),
        (413, None, "target_refused"),
    ],
)
def test_the_code_of_a_refusal(status: int, error: dict[str, Any] | None, code: str) -> None:
    told = refused(status, error)
    assert (told.status, told.code) == (status, code)


@pytest.mark.parametrize("raw", [b"", b"<html>no</html>", b"[]", b'{"error":["text"]}', b'{"detail":[]}'])
def test_a_refusal_in_another_shape_still_is_one(raw: bytes) -> None:
    failure = failure_of(422, {}, raw)
    assert failure.refusal is not None
    assert failure.refusal.message == "The target refused the request with HTTP 422."


@pytest.mark.parametrize("raw", [b'{"error":"Unauthorized"}', b'{"detail":"Unauthorized"}'])
def test_a_refusal_in_another_shape_keeps_its_words(raw: bytes) -> None:
    failure = failure_of(422, {}, raw)
    assert failure.refusal is not None
    assert failure.refusal.message == "Unauthorized"


@pytest.mark.parametrize(
    ("status", "headers", "raw", "outcome"),
    [
        (503, {}, body({"message": "queue is full"}), "busy"),
        (503, {b"retry-after": b"2"}, b"", "busy"),
        (503, {}, b"<html>no upstream</html>", "server_error"),
        (503, {}, b"", "server_error"),
        (503, {b"retry-after": b"soon"}, b"", "server_error"),
        (429, {}, b"", "busy"),
        (500, {b"retry-after": b"2"}, body({}), "server_error"),
        (401, {}, body({"message": "bad key sk-1"}), "key_refused"),
        (403, {}, b"", "key_refused"),
        (307, {b"location": b"/"}, b"", "server_error"),
    ],
)
def test_what_a_status_means(status: int, headers: dict[bytes, bytes], raw: bytes, outcome: Outcome) -> None:
    failure = failure_of(status, headers, raw)
    assert failure.outcome is outcome
    assert failure.refusal is None
    assert failure.what == f"HTTP {status}", "nothing that the target said, a key above all, is repeated"


def test_how_long_to_wait_is_kept() -> None:
    assert failure_of(429, {b"retry-after": b"7"}, b"").retry_after == 7
    assert failure_of(429, {}, b"").retry_after is None


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (500, "server_error"),
        (503, "busy"),
        (429, "busy"),
        (401, "key_refused"),
        (400, "refused"),
        (404, "refused"),
        (200, "server_error"),
        (777, "server_error"),
        ("server_error", "server_error"),
        (True, "server_error"),
        (None, "server_error"),
    ],
)
def test_an_error_event_means_what_its_code_would_as_a_status(code: object, outcome: Outcome) -> None:
    failure = failure_in_stream({"message": "m", "code": code})
    assert failure.outcome is outcome
    assert (failure.refusal is not None) is (outcome == "refused")
    if failure.refusal:
        assert (failure.refusal.status, failure.refusal.message) == (code, "m")


json_values = st.none() | st.booleans() | st.integers(-9, 999) | st.text(max_size=5) | st.lists(st.none(), max_size=1)
errors = st.dictionaries(st.sampled_from(["message", "type", "param", "code"]), json_values)


@given(st.integers(100, 999), st.binary(max_size=30) | errors.map(body))
def test_no_error_is_too_strange(status: int, raw: bytes) -> None:
    failure = failure_of(status, {}, raw)
    if failure.refusal:
        told = failure.refusal
        assert all(isinstance(each, str) for each in (told.message, told.type, told.code))
        assert told.param is None or isinstance(told.param, str)
    failure_in_stream(error_in(raw) or {})
