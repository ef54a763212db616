"""A question to ask of vLLM, and short ways to write one."""

from dataclasses import dataclass, field

JSON = dict[str, object]
CHAT, COMPLETIONS, RESPONSES = "/v1/chat/completions", "/v1/completions", "/v1/responses"
MODEL = "words"
KEY = "sk-capture"
MESSAGES = [{"role": "user", "content": "hello world"}]
TOO_LONG = "!" * 2100  # a token each, for a context of 2048


@dataclass(frozen=True)
class Case:
    name: str
    path: str
    body: JSON | str | None = None  # a string is sent as it stands; None is a GET
    headers: dict[str, str] = field(default_factory=dict)


def chat(name: str, **fields: object) -> Case:
    return Case(name, CHAT, {"model": MODEL, "messages": MESSAGES, "max_tokens": 5, "temperature": 0, **fields})


def completion(name: str, **fields: object) -> Case:
    body = {"model": MODEL, "prompt": "hello world", "max_tokens": 4, "temperature": 0, **fields}
    return Case(name, COMPLETIONS, body)


def responses(name: str, **fields: object) -> Case:
    body = {"model": MODEL, "input": "hello world", "max_output_tokens": 4, "temperature": 0, **fields}
    return Case(name, RESPONSES, body)


def tool_chat(name: str, choice: object, strict: bool = False, **fields: object) -> Case:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 8}},
        "required": ["city"],
    }
    function: JSON = {"name": "get_weather", "description": "w", "parameters": schema}
    if strict:
        function["strict"] = True
    tools = [{"type": "function", "function": function}]
    return chat(name, **{"max_tokens": 80, "tools": tools, "tool_choice": choice, **fields})
