"""Running a typed function, without the sending: what to ask the model, and what its answer says."""

from __future__ import annotations

from pydantic import BaseModel

from penstock.errors import OutputRefused, OutputTruncated, UnparseableOutput
from penstock.functions.catalog import Function
from penstock.functions.guided import Json


def body(function: Function, arguments: BaseModel, stream: bool) -> Json:
    """The chat request to send: BAML's, held to the function's schema. `model` is what the .baml names."""
    asked = function.build(arguments)
    if function.response_format is not None:
        asked["response_format"] = function.response_format
    if stream:
        asked["stream"] = True
    return asked


def text_of(reply: Json) -> str:
    """The text of a chat completion. A truncated, refused or empty answer is an error, not a short answer."""
    match reply.get("choices"):
        case [{"message": {"content": content, **message}, **choice}, *_]:
            check_end(choice.get("finish_reason"), message.get("refusal"))
            return whole_text(content)
    raise UnparseableOutput("The target's reply holds no message.")


def check_end(finish_reason: object, refusal: object) -> None:
    """Raises unless the model ended of its own accord and did not refuse."""
    if refusal or finish_reason == "content_filter":
        raise OutputRefused("The model refused to answer, or its answer was filtered.")
    if finish_reason == "length":
        raise OutputTruncated("The answer was cut at max_tokens: choose a BAML client that allows longer ones.")
    if finish_reason != "stop":
        raise OutputTruncated("The model did not end its answer.")


def whole_text(content: object) -> str:
    """The content of an answer, which must be some."""
    if not isinstance(content, str) or not content.strip():
        raise UnparseableOutput("The model's answer is empty.")
    return content
