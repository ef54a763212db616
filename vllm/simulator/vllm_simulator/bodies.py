"""Reading a request's JSON body as vLLM does: the same refusals, in the same words."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from vllm_simulator import errors

Body = dict[str, Any]

_EXPECTED: dict[str, tuple[tuple[type, ...], str, str]] = {
    "number": (
        (int, float),
        "float_parsing",
        "Input should be a valid number, unable to parse string as a number",
    ),
    "integer": (
        (int,),
        "int_parsing",
        "Input should be a valid integer, unable to parse string as an integer",
    ),
    "boolean": ((bool,), "bool_parsing", "Input should be a valid boolean, unable to interpret input"),
    "string": ((str,), "string_type", "Input should be a valid string"),
    "list": ((list,), "list_type", "Input should be a valid list"),
    "object": ((dict,), "dict_type", "Input should be a valid dictionary"),
}

_KINDS = {
    "model": "string",
    "messages": "list",
    "temperature": "number",
    "top_p": "number",
    "frequency_penalty": "number",
    "presence_penalty": "number",
    "max_tokens": "integer",
    "max_completion_tokens": "integer",
    "max_output_tokens": "integer",
    "min_tokens": "integer",
    "n": "integer",
    "seed": "integer",
    "top_logprobs": "integer",
    "priority": "integer",
    "stream": "boolean",
    "stream_options": "object",
    "response_format": "object",
    "structured_outputs": "object",
    "tools": "list",
    "user": "string",
}


def read_body(content_type: str, raw: bytes) -> Body:
    """The object in a request's body. Raises ApiError for what is not one."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise errors.wrong_media_type()
    if not raw:
        raise errors.invalid_body("missing", "body", "Field required", "None")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _not_json(raw, error) from error
    if not isinstance(body, dict):
        text = "Input should be a valid dictionary or object to extract fields from"
        raise errors.invalid_body("model_attributes_type", "body", text, str(body)[:40])
    return body


def check_types(body: Mapping[str, Any], *required: str) -> None:
    """Raises ApiError when a required field is missing or a known one has another type than vLLM's."""
    for name in required:
        if body.get(name) is None:
            given = f"<dict of {len(body)} items>"
            raise errors.invalid_body("missing", f"body.{name}", "Field required", given)
    for name, value in body.items():
        kind = _KINDS.get(name)
        if kind is not None and value is not None and not _fits(kind, value):
            _, code, text = _EXPECTED[kind]
            raise errors.invalid_body(code, f"body.{name}", text, str(value)[:40])


def _fits(kind: str, value: object) -> bool:
    if isinstance(value, bool) and kind != "boolean":
        return False
    return isinstance(value, _EXPECTED[kind][0])


def _not_json(raw: bytes, error: orjson.JSONDecodeError) -> errors.ApiError:
    position, reason = error.pos, error.msg
    try:
        json.loads(raw)
    except json.JSONDecodeError as plain:  # vLLM reports the standard library's words and place
        position, reason = plain.pos, plain.msg
    except UnicodeDecodeError as plain:
        position, reason = plain.start, "invalid UTF-8"
    context = f", 'ctx': {{'error': '{reason}'}}"
    return errors.invalid_body("json_invalid", f"body.{position}", "JSON decode error", "<dict of 0 items>", context)
