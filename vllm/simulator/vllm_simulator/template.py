"""From a conversation to the text that the model reads: ChatML, as in the recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from vllm_simulator.errors import ApiError, bad_request, invalid_body
from vllm_simulator.tokens import END, START, pieces


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads, as text and as tokens."""

    text: str
    pieces: Sequence[str]


def read_text(text: str) -> Prompt:
    return Prompt(text, pieces(text))


def read_chat(body: Mapping[str, Any], model: str, *, sees_images: bool = False) -> Prompt:
    """The prompt of a chat request's messages and tools. Raises ApiError for messages without a reading."""
    messages = body["messages"]
    if not messages:
        raise bad_request("Cannot apply chat template to an empty conversation. Provide at least one message.")
    if body.get("continue_final_message") and body.get("add_generation_prompt", True):
        raise bad_request(
            "continue_final_message and add_generation_prompt are not compatible. "
            "Set add_generation_prompt to False when continue_final_message is True."
        )
    turns = [_turn(message, at, model, sees_images) for at, message in enumerate(messages)]
    if tools := body.get("tools"):
        turns.insert(0, f"{START}system\n{orjson.dumps(tools).decode()}{END}\n")
    if body.get("continue_final_message"):
        turns[-1] = turns[-1].removesuffix(f"{END}\n")
    elif body.get("add_generation_prompt", True):
        turns.append(f"{START}assistant\n")
    return read_text("".join(turns))


def _turn(message: object, at: int, model: str, sees_images: bool) -> str:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise invalid_body("missing", f"body.messages.{at}.role", "Field required", str(message)[:40])
    content = message.get("content")
    text = content if isinstance(content, str) else _parts(content, model, sees_images)
    calls = message.get("tool_calls")
    return f"{START}{message['role']}\n{text}{orjson.dumps(calls).decode() if calls else ''}{END}\n"


def _parts(content: object, model: str, sees_images: bool) -> str:
    if content is None:
        return ""
    if not isinstance(content, list):
        raise _not_content()
    texts = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif not isinstance(part, dict):
            raise _not_content()
        elif isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif not sees_images:
            raise bad_request(f"{model} is not a multimodal model")
    return "".join(texts)


def _not_content() -> ApiError:
    return invalid_body("string_type", "body.messages.content", "Input should be a valid string", "")
