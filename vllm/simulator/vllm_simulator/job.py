"""A request that was understood: its prompts, and the answer that the engine will take its time to give."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from time import time
from typing import Any, Literal, NamedTuple
from zlib import crc32

from vllm_simulator.bodies import Body
from vllm_simulator.guided import guided_text
from vllm_simulator.limits import max_tokens
from vllm_simulator.settings import Settings
from vllm_simulator.speech import cut_at_stop, natural_length, speak
from vllm_simulator.template import Prompt
from vllm_simulator.tokens import pieces
from vllm_simulator.tools import ToolCall

_PLAIN_TEXT_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer: its tokens, why it ends, and the tool call that it is, if it is one."""

    pieces: Sequence[str]
    finish_reason: str
    stop_reason: str | None = None
    call: ToolCall | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class Event(NamedTuple):
    """One event of a stream, which may go out when `after` tokens exist."""

    after: int
    data: bytes
    kind: Literal["delta", "finish", "usage", "done"] = "delta"


@dataclass(slots=True)
class Job:
    """A request with its answer. `cached` is known once the engine has read the prompt."""

    id: str
    model: str
    body: Body
    prompts: Sequence[Prompt]
    choices: Sequence[Choice]
    settings: Settings
    created: int
    cached: int = 0

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def cloud(self) -> bool:
        return self.settings.role == "cloud"

    @property
    def prompt_tokens(self) -> int:
        return sum(len(prompt.pieces) for prompt in self.prompts)

    @property
    def completion_tokens(self) -> int:
        return sum(len(choice.pieces) for choice in self.choices)

    @property
    def steps(self) -> int:
        """How many steps the engine needs: choices grow side by side, in one place of the batch."""
        return max((len(choice.pieces) for choice in self.choices), default=1)

    @property
    def fingerprint(self) -> str:
        config = repr(replace(self.settings, name=""))
        return f"fp_{crc32(config.encode()):08x}" if self.cloud else f"vllm-0.32.0-{crc32(config.encode()):08x}"

    def asks(self, option: str) -> bool:
        """Whether stream_options has it set."""
        return bool((self.body.get("stream_options") or {}).get(option))


@dataclass(frozen=True, slots=True)
class Dialect:
    """A generating route: how it reads a body, answers whole, and answers in events."""

    read: Callable[[Body, str, Settings], Job]
    whole: Callable[[Job], dict[str, Any]]
    events: Callable[[Job], Iterator[Event]]


def new_job(
    prefix: str,
    request_id: str,
    body: Body,
    prompts: Sequence[Prompt],
    choices: Sequence[Choice],
    settings: Settings,
) -> Job:
    """A job named by the client's request id, or by chance."""
    name = body.get("request_id") or request_id or token_hex(8)
    served = body.get("model") or settings.models[0]
    return Job(f"{prefix}-{name}", served, body, prompts, choices, settings, int(time()))


def answer(prompt: Prompt, body: Body, settings: Settings, number: int, call: ToolCall | None = None) -> Choice:
    """What the model answers as choice `number`. Raises ApiError for a grammar that makes no sense."""
    salt = ((body.get("seed") or 0) * 31 * (body.get("temperature") != 0) + number) & 0xFFFFFFFF
    limit = min(max_tokens(body) or settings.max_model_len, max(1, settings.max_model_len - len(prompt.pieces)))
    if call is not None:
        return _call(call, limit)
    fixed = guided_text(body, crc32(prompt.text.encode(), salt))
    if fixed is not None:
        return _upto(limit, pieces(fixed), "stop")
    return _free(prompt, body, salt, limit)


def seed_of(prompt: Prompt) -> int:
    return crc32(prompt.text.encode())


def _call(call: ToolCall, limit: int) -> Choice:
    arguments = pieces(call.arguments)
    if len(arguments) > limit:
        return _upto(limit, pieces(call.raw), "length")
    return Choice(arguments, "stop" if call.forced else "tool_calls", call=call)


def _upto(limit: int, said: Sequence[str], reason: str) -> Choice:
    return Choice(said[:limit], "length") if len(said) > limit else Choice(said or [""], reason)


def _free(prompt: Prompt, body: Mapping[str, Any], salt: int, limit: int) -> Choice:
    natural = natural_length(prompt.text)
    if natural is None and max_tokens(body) is None:
        limit = min(limit, _PLAIN_TEXT_LENGTH)
    length = limit if natural is None or body.get("ignore_eos") else max(natural, body.get("min_tokens") or 0)
    said = speak(prompt.text, min(length, limit), salt)
    stop = body.get("stop")
    if stop and (cut := cut_at_stop(said, [stop] if isinstance(stop, str) else stop)):
        return Choice(cut[0], "stop", cut[1])
    return Choice(said, "length" if length >= limit else "stop")
