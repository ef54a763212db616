"""`/v1/chat/completions`."""

from collections.abc import Iterator
from secrets import token_hex
from typing import Any

from vllm_simulator.bodies import Body, check_types
from vllm_simulator.job import Choice, Dialect, Event, Job, answer, new_job, seed_of
from vllm_simulator.limits import check_context, check_limits
from vllm_simulator.settings import Settings
from vllm_simulator.shape import DONE, event, finish
from vllm_simulator.template import read_chat
from vllm_simulator.tokens import identify
from vllm_simulator.tools import plan_call
from vllm_simulator.usage import chat_logprobs, final_usage, running_usage, whole_usage

Payload = dict[str, Any]


def read(body: Body, request_id: str, settings: Settings) -> Job:
    """Raises ApiError in the order in which vLLM looks."""
    check_types(body, "messages")
    check_limits(body, settings.max_model_len)
    prompt = read_chat(body, settings.models[0], sees_images=settings.role == "cloud")
    check_context(len(prompt.pieces), settings.max_model_len)
    call = plan_call(body, seed_of(prompt), parser=settings.tools)
    choices = [answer(prompt, body, settings, number, call) for number in range(body.get("n") or 1)]
    return new_job("chatcmpl", request_id, body, [prompt], choices, settings)


def whole(job: Job) -> Payload:
    ids = bool(job.body.get("return_token_ids"))
    return {
        "id": job.id,
        "object": "chat.completion",
        "created": job.created,
        "model": job.model,
        "choices": [_choice(job, number, choice, ids) for number, choice in enumerate(job.choices)],
        "service_tier": None,
        "system_fingerprint": job.fingerprint,
        "usage": whole_usage(job),
        "prompt_logprobs": None,
        "prompt_token_ids": identify(job.prompts[0].pieces) if ids else None,
        "prompt_text": None,
        "kv_transfer_params": None,
        "ec_transfer_params": None,
        "metrics": None,
    }


def events(job: Job) -> Iterator[Event]:
    """A role for each choice, its tokens, how it ends, and what was asked for at the end."""
    for number in range(len(job.choices)):
        yield Event(1, event(job, _opening(job, number)))
    openers = {number: _tool_opener(choice) for number, choice in enumerate(job.choices) if choice.call}
    for number, delta in openers.items():
        yield Event(1, event(job, _chunk(job, number, delta, 1, 1)))
    for at in range(job.steps):
        for number, choice in enumerate(job.choices):
            if at < len(choice.pieces):
                yield from _token_events(job, number, choice, at)
    if job.asks("include_usage"):
        closing = {
            **_head(job),
            "choices": [],
            "usage": final_usage(job),
            "system_fingerprint": job.fingerprint,
        }
        yield Event(job.steps, event(job, closing), "usage")
    yield Event(job.steps, DONE, "done")


CHAT = Dialect(read, whole, events)


def _choice(job: Job, number: int, choice: Choice, ids: bool) -> Payload:
    message: Payload = {
        "role": "assistant",
        "content": "" if choice.call else choice.text,
        "refusal": None,
        "annotations": None,
        "audio": None,
        "function_call": None,
    }
    if choice.call:
        function = {"name": choice.call.name, "arguments": choice.text}
        message["tool_calls"] = [{"id": _call_id(), "type": "function", "function": function}]
    message["reasoning"] = None
    return {
        "index": number,
        "message": message,
        "logprobs": chat_logprobs(job, choice, 0, len(choice.pieces)),
        "finish_reason": choice.finish_reason,
        "stop_reason": choice.stop_reason,
        "token_ids": identify(choice.pieces) if ids else None,
        "routed_experts": None,
    }


def _head(job: Job) -> Payload:
    return {"id": job.id, "object": "chat.completion.chunk", "created": job.created, "model": job.model}


def _opening(job: Job, number: int) -> Payload:
    delta = {"role": "assistant", "content": ""}
    choice = {"index": number, "delta": delta, "logprobs": None, "finish_reason": None}
    chunk: Payload = {**_head(job), "choices": [choice]}
    if job.asks("continuous_usage_stats"):
        chunk["usage"] = running_usage(job, 0)
    ids = identify(job.prompts[0].pieces) if job.body.get("return_token_ids") else None
    return {**chunk, "prompt_token_ids": ids, "prompt_text": None}


def _tool_opener(choice: Choice) -> Payload:
    name = choice.call.name if choice.call else ""
    call = {"id": _call_id(), "type": "function", "index": 0, "function": {"name": name}}
    return {"content": None, "tool_calls": [call]}


def _token_events(job: Job, number: int, choice: Choice, at: int) -> Iterator[Event]:
    last = at + 1 == len(choice.pieces)
    delta: Payload = {"content": choice.pieces[at]}
    if choice.call:
        delta = {"content": None, "tool_calls": [{"index": 0, "function": {"arguments": choice.pieces[at]}}]}
    chunk = _chunk(job, number, delta, at, at + 1)
    if not last:
        yield Event(at + 1, event(job, chunk))
        return
    if choice.call or job.cloud:
        yield Event(at + 1, event(job, chunk))
        chunk = _chunk(job, number, {}, at + 1, at + 1)
    yield Event(at + 1, event(job, finish(job, choice, chunk)), "finish")


def _chunk(job: Job, number: int, delta: Payload, start: int, stop: int) -> Payload:
    choice = job.choices[number]
    told = None if choice.call or start == stop else chat_logprobs(job, choice, start, stop)
    ids = identify(choice.pieces[start:stop]) if job.body.get("return_token_ids") else None
    entry = {"index": number, "delta": delta, "logprobs": told, "finish_reason": None, "token_ids": ids}
    chunk = {**_head(job), "choices": [entry]}
    if job.asks("continuous_usage_stats"):
        chunk["usage"] = running_usage(job, stop)
    return chunk


def _call_id() -> str:
    return f"chatcmpl-tool-{token_hex(8)}"
