"""Guided decoding: a text that the request's grammar allows."""

import re
from collections.abc import Mapping
from random import Random
from typing import Any

import orjson

from vllm_simulator.errors import bad_request
from vllm_simulator.regex_values import text_for
from vllm_simulator.schema_values import Schema, SchemaError, SchemaValues
from vllm_simulator.speech import VOCABULARY

_FREE_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}


def guided_text(body: Mapping[str, Any], seed: int) -> str | None:
    """The whole answer under the request's grammar; None when it asks for free text. Raises ApiError."""
    constraint = _constraint(body)
    if constraint is None:
        return None
    kind, value = constraint
    try:
        return _text(kind, value, seed)
    except (SchemaError, re.error) as error:
        raise bad_request(f"Grammar error: {error}") from error


def json_for(schema: Schema, seed: int) -> str:
    """A value of the schema as JSON. Raises SchemaError."""
    return orjson.dumps(SchemaValues(schema, seed).draw()).decode()


def _constraint(body: Mapping[str, Any]) -> tuple[str, Any] | None:
    outputs = {key: value for key, value in (body.get("structured_outputs") or {}).items() if value is not None}
    kinds = [key for key in ("json", "regex", "choice", "grammar") if key in outputs]
    if len(kinds) > 1:
        text = "You can only use one kind of constraints for structured outputs ('json', 'regex' or 'choice')."
        raise bad_request(text)
    if kinds:
        return kinds[0], outputs[kinds[0]]
    return _format_constraint(body.get("response_format") or _responses_format(body))


def _format_constraint(wanted: Mapping[str, Any]) -> tuple[str, Any] | None:
    kind = wanted.get("type")
    if kind == "json_object":
        return "json", _FREE_OBJECT
    if kind != "json_schema":
        return None
    inner = wanted.get("json_schema", wanted if "schema" in wanted else None)
    if inner is None:
        text = "When response_format type is 'json_schema', the 'json_schema' field must be provided."
        raise bad_request(text, "response_format")
    return "json", inner.get("schema", {})


def _responses_format(body: Mapping[str, Any]) -> Mapping[str, Any]:
    text = body.get("text")
    return (text.get("format") or {}) if isinstance(text, dict) else {}


def _text(kind: str, value: Any, seed: int) -> str:
    if kind == "json":
        return json_for(orjson.loads(value) if isinstance(value, str) else value, seed)
    if kind == "choice":
        return str(Random(seed).choice(value))
    if kind == "regex":
        return text_for(value, Random(seed))
    # A grammar is not followed: a word stands for what it would have said.
    return Random(seed).choice(VOCABULARY).strip()
