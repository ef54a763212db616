"""Which tool the model calls, and with what.

`required` and a named tool are obeyed. Under `auto` a tool is called when the conversation ends with a user
message that shares a word with the tool's name ("what's the weather" and `get_weather`); otherwise, and
after a tool's result, the model speaks.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vllm_simulator.errors import bad_request
from vllm_simulator.guided import json_for
from vllm_simulator.schema_values import SchemaError

_WORD = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of one tool. `forced` by name, it ends with finish_reason `stop`, not `tool_calls`."""

    name: str
    arguments: str
    forced: bool

    @property
    def raw(self) -> str:
        """How the model writes it; a client sees this only when the answer is cut short."""
        return f'<tool_call>\n{{"name": "{self.name}", "arguments": {self.arguments}}}\n</tool_call>'


def plan_call(body: Mapping[str, Any], seed: int, *, parser: bool) -> ToolCall | None:
    """The call that answers a chat request, or None. Raises ApiError for a choice that cannot be met."""
    tools: Sequence[Mapping[str, Any]] = body.get("tools") or ()
    choice = body.get("tool_choice", "auto" if tools else "none")
    if choice in ("none", None):
        return None
    if not tools:
        raise bad_request("When using `tool_choice`, `tools` must be set.", "tool_choice")
    named = choice["function"]["name"] if isinstance(choice, dict) else None
    functions = {tool["function"]["name"]: tool["function"] for tool in tools if "function" in tool}
    if not functions:
        raise bad_request("None of the `tools` is a function.", "tools")
    if named is not None and named not in functions:
        text = "The tool specified in `tool_choice` does not match any of the specified `tools`"
        raise bad_request(text, "tool_choice")
    if not parser:
        raise bad_request(_needs_parser(choice, named))
    name = named or _wanted(functions, body["messages"]) or (choice == "required" and next(iter(functions)))
    if not name:
        return None
    return ToolCall(name, _arguments(functions[name], seed), forced=named is not None)


def _needs_parser(choice: object, named: str | None) -> str:
    if choice == "auto":
        return '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
    what = f'function "{named}"' if named else f'"{choice}"'
    return f"tool_choice={what} requires --tool-call-parser to be set"


def _wanted(functions: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> str | None:
    last = messages[-1]
    if last.get("role") != "user":
        return None
    said = str(last.get("content")).lower()
    return next((name for name in functions if any(word.lower() in said for word in _WORD.findall(name))), None)


def _arguments(function: Mapping[str, Any], seed: int) -> str:
    try:
        return json_for(function.get("parameters") or {"type": "object"}, seed)
    except SchemaError as error:
        raise bad_request(f"Grammar error: {error}") from error
