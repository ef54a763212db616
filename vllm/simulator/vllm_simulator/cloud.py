"""The cloud's ways: OpenAI's ids, shapes, refusals and headers over the same answers."""

from collections.abc import Mapping
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from vllm_simulator.errors import ApiError, Header

if TYPE_CHECKING:
    from vllm_simulator.job import Job

Payload = dict[str, Any]

_SNAPSHOT = "2024-07-18"
_SHARED = (
    "model temperature top_p stream stream_options user metadata store service_tier safety_identifier "
    "prompt_cache_key prompt_cache_retention parallel_tool_calls tools tool_choice top_logprobs"
)
_KNOWN = {
    "/v1/chat/completions": f"{_SHARED} messages max_tokens max_completion_tokens n stop seed logprobs "
    "logit_bias frequency_penalty presence_penalty response_format functions function_call modalities "
    "audio prediction reasoning_effort verbosity web_search_options",
    "/v1/completions": f"{_SHARED} prompt suffix max_tokens n stop seed logprobs logit_bias echo best_of "
    "frequency_penalty presence_penalty",
    "/v1/responses": f"{_SHARED} input instructions max_output_tokens max_tool_calls previous_response_id "
    "conversation background include reasoning text truncation prompt",
    "/v1/embeddings": "model input dimensions encoding_format user",
}
_PARAMETERS = {path: frozenset(names.split()) for path, names in _KNOWN.items()}
_EXTRAS = (
    "prompt_logprobs prompt_token_ids prompt_text kv_transfer_params ec_transfer_params metrics stop_reason "
    "token_ids routed_experts reasoning function_call audio input_messages output_messages phase "
    "input_tokens_per_turn cached_tokens_per_turn output_tokens_per_turn tool_output_tokens_per_turn"
)
_NOT_OPENAI = frozenset(_EXTRAS.split())
_CODES = {
    400: ("invalid_request_error", "invalid_value", "The request was refused."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: (
        "invalid_request_error",
        "unsupported_country_region_territory",
        "Country or region not supported.",
    ),
    404: (
        "invalid_request_error",
        "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
    429: (
        "requests",
        "rate_limit_exceeded",
        "Rate limit reached on requests per min (RPM): Limit 500, Used 500.",
    ),
    503: ("server_error", "server_overloaded", "The engine is currently overloaded, please try again later."),
}


def check_parameters(path: str, body: Mapping[str, Any]) -> None:
    """Raises ApiError for the first field that OpenAI does not know on this route."""
    for name in body:
        if name not in _PARAMETERS[path]:
            raise refusal(400, f"Unknown parameter: '{name}'.", name, "unknown_parameter")


def refusal(status: int, message: str, param: str | None, code: str | None) -> ApiError:
    """An error in OpenAI's shape: the code is a word."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return ApiError(status, {"error": error})


def error_body(status: int) -> Payload:
    """What OpenAI says with a status, when nothing else is known."""
    fallback = (
        "server_error",
        None,
        "The server had an error while processing your request. Sorry about that!",
    )
    kind, code, message = _CODES.get(status, fallback)
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def wrong_key(key: str) -> ApiError:
    if not key:
        return refusal(401, "You didn't provide an API key.", None, None)
    return refusal(401, f"Incorrect API key provided: {key[:3]}***{key[-4:]}.", None, "invalid_api_key")


def unknown_model(name: object) -> ApiError:
    text = f"The model `{name}` does not exist or you do not have access to it."
    return refusal(404, text, None, "model_not_found")


def unknown_url(method: str, path: str) -> ApiError:
    return refusal(404, f"Invalid URL ({method} {path})", None, None)


def dress_error(error: ApiError) -> ApiError:
    """One of vLLM's errors as OpenAI would have put it."""
    said = error.body.get("error")
    if not isinstance(said, dict) or isinstance(said["code"], str) or said["type"] == "invalid_request_error":
        return error
    if error.status >= 500:
        return ApiError(error.status, error_body(error.status), error.headers)
    long = said["param"] == "input_tokens"
    code = "context_length_exceeded" if long else "invalid_value" if said["param"] else None
    param = "messages" if long else (said["param"] or "").removeprefix("body.") or None
    return refusal(error.status, said["message"].partition(" (parameter=")[0], param, code)


def headers(seconds: float) -> list[Header]:
    """OpenAI's own headers of an answer that took so long."""
    return [
        (b"openai-version", b"2020-10-01"),
        (b"openai-processing-ms", str(round(seconds * 1000)).encode()),
        (b"x-request-id", f"req_{token_hex(16)}".encode()),
    ]


def snapshot(model: str) -> str:
    """The dated name under which OpenAI says it served a model, whatever it was asked for by."""
    return model if model[-10:-6].isdigit() else f"{model}-{_SNAPSHOT}"


def dress(payload: Payload, job: "Job") -> Payload:
    """One of vLLM's payloads as OpenAI would have put it."""
    dressed: Payload = _without_extras(payload)
    if dressed.get("object") in ("chat.completion", "chat.completion.chunk", "text_completion"):
        dressed |= {"service_tier": "default", "system_fingerprint": job.fingerprint}
    if dressed.get("object") == "list":
        dressed.pop("id")
        dressed.pop("created")
    for holder in (dressed, dressed.get("response")):
        if isinstance(holder, dict) and "model" in holder:
            holder["model"] = snapshot(holder["model"])
    if dressed.get("object") == "chat.completion.chunk":
        _dress_chunk(dressed, job)
    if isinstance(usage := dressed.get("usage"), dict):
        dressed["usage"] = _usage(usage, job)
    return dressed


def _dress_chunk(chunk: Payload, job: "Job") -> None:
    if job.asks("include_usage"):
        chunk["usage"] = None if chunk["choices"] else chunk["usage"]
    for choice in chunk["choices"]:
        for call in choice["delta"].get("tool_calls", ()):
            call["function"].setdefault("arguments", "")


def _usage(usage: Payload, job: "Job") -> Payload:
    if "input_tokens" in usage or "completion_tokens" not in usage or not job.choices:
        return {name: usage[name] for name in usage if name not in ("completion_tokens", "prompt_tokens_details")}
    said = ("reasoning_tokens", "audio_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens")
    return usage | {
        "prompt_tokens_details": {"cached_tokens": job.cached, "audio_tokens": 0},
        "completion_tokens_details": dict.fromkeys(said, 0),
    }


def _without_extras(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_extras(part) for name, part in value.items() if name not in _NOT_OPENAI}
    if isinstance(value, list):
        return [_without_extras(part) for part in value]
    return value
