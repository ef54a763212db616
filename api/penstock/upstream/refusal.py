"""What a target says when it does not answer: its error body, read once, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from penstock.errors import TargetRefused
from penstock.upstream.backoff import retry_after_s
from penstock.upstream.verdicts import Outcome, outcome_of_status


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt without an answer. `refusal` is set where the client hears the target's own refusal."""

    outcome: Outcome
    what: str
    retry_after: float | None = None
    refusal: TargetRefused | None = None


def failure_of(status: int, headers: Mapping[bytes, bytes], body: bytes) -> Failure:
    """What a response that is not a success means."""
    error = error_in(body)
    wait = retry_after_s(headers)
    # vLLM with a full queue and OpenAI when overloaded answer 503 in their own error's shape; what is broken on
    # the way to an engine, or dead, answers something else.
    outcome = outcome_of_status(status, busy=wait is not None or error is not None)
    refusal = refused(status, error or _other_shape(body)) if outcome == "refused" else None
    return Failure(outcome, f"HTTP {status}", wait, refusal)


def failure_in_stream(error: Mapping[str, object]) -> Failure:
    """What an error event means that came before any token: its code may be the status it would have been."""
    code = error.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    outcome = outcome_of_status(status, busy=True)
    return Failure(outcome, "an error event", None, refused(status, error) if outcome == "refused" else None)


def error_in(body: bytes) -> Mapping[str, object] | None:
    """The `error` object of a body in OpenAI's shape; None if it has another."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    error = told.get("error") if isinstance(told, dict) else None
    return error if isinstance(error, dict) else None


def _other_shape(body: bytes) -> Mapping[str, object] | None:
    """The message of an error in FastAPI's shape, or of vLLM's when it refuses a key."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    text = (told.get("error") or told.get("detail")) if isinstance(told, dict) else None
    return {"message": text} if isinstance(text, str) else None


def refused(status: int, error: Mapping[str, object] | None) -> TargetRefused:
    """The target's refusal in OpenAI's shape: vLLM's types are its own, and its codes are numbers."""
    told = error or {}
    message, param, code = told.get("message"), told.get("param"), told.get("code")
    if param == "input_tokens":  # vLLM's way to say that the prompt is too long
        code = "context_length_exceeded"
    elif not isinstance(code, str) and status == 404:
        code = "model_not_found" if param == "model" else "not_found"
    return TargetRefused(
        message if isinstance(message, str) else f"The target refused the request with HTTP {status}.",
        status=status,
        kind="invalid_request_error",
        param=param if isinstance(param, str) else None,
        code=code if isinstance(code, str) else TargetRefused.code,
    )
