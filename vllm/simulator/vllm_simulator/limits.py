"""The ranges vLLM checks before a request goes to the engine, and its words when one is left."""

from collections.abc import Mapping
from typing import Any

from vllm_simulator.errors import bad_request, context_too_long

_MOST_LOGPROBS = 20


def check_limits(body: Mapping[str, Any], max_model_len: int) -> None:
    """Raises ApiError for a sampling parameter outside its range."""
    _check_sampling(body)
    _check_max_tokens(body, max_model_len)
    _check_logprobs(body)
    if body.get("stream_options") and not body.get("stream"):
        raise bad_request("Stream options can only be defined when `stream=True`.", "stream_options")


def check_context(prompt_tokens: int, max_model_len: int) -> None:
    """Raises ApiError for a prompt that leaves no room. (prompt + max_tokens over the limit is no error.)"""
    if prompt_tokens > max_model_len:
        raise context_too_long(max_model_len)


def max_tokens(body: Mapping[str, Any]) -> int | None:
    """The answer's limit under whichever of its names the body has."""
    for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"):
        value = body.get(name)
        if value is not None:
            return int(value)
    return None


def _check_sampling(body: Mapping[str, Any]) -> None:
    temperature, top_p, n = body.get("temperature"), body.get("top_p"), body.get("n")
    if temperature is not None and temperature < 0:
        value = float(temperature)
        raise bad_request(f"temperature must be non-negative, got {value}.", "temperature", value)
    if top_p is not None and not 0 < top_p <= 1:
        raise bad_request(f"top_p must be in (0, 1], got {float(top_p)}.", "top_p", float(top_p))
    if n is not None and n < 1:
        raise bad_request(f"n must be at least 1, got {n}.")
    if n is not None and n > 1 and temperature == 0:
        raise bad_request(f"n must be 1 when using greedy sampling, got {n}.")


def _check_max_tokens(body: Mapping[str, Any], max_model_len: int) -> None:
    limit = max_tokens(body)
    if limit is None:
        return
    if limit < 1:
        raise bad_request(f"max_tokens must be at least 1, got {limit}.", "max_tokens", limit)
    if limit > max_model_len:
        text = f"max_tokens={limit} cannot be greater than max_model_len={max_model_len}."
        raise bad_request(f"{text} Please request fewer output tokens.", "max_tokens", limit)


def _check_logprobs(body: Mapping[str, Any]) -> None:
    asked = body.get("top_logprobs") or 0
    if asked > _MOST_LOGPROBS:
        text = f"Requested sample logprobs of {asked}, which is greater than max allowed: {_MOST_LOGPROBS}"
        raise bad_request(text, "logprobs", asked)
