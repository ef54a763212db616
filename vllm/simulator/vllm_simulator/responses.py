"""`/v1/responses`: text answers, whole and in named events."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from vllm_simulator.bodies import Body, check_types
from vllm_simulator.job import Dialect, Event, Job, answer, new_job
from vllm_simulator.limits import check_context, check_limits
from vllm_simulator.settings import Settings
from vllm_simulator.shape import event
from vllm_simulator.template import read_chat

Payload = dict[str, Any]


def read(body: Body, request_id: str, settings: Settings) -> Job:
    check_types(body, "input")
    check_limits(body, settings.max_model_len)
    prompt = read_chat({"messages": _messages(body)}, settings.models[0], sees_images=settings.role == "cloud")
    check_context(len(prompt.pieces), settings.max_model_len)
    choice = answer(prompt, body, settings, 0)
    job = new_job("resp", request_id, body, [prompt], [choice], settings)
    job.id = job.id.replace("-", "_", 1)
    return job


def whole(job: Job) -> Payload:
    cut = job.choices[0].finish_reason == "length"
    details = {"reason": "max_output_tokens"} if cut else None
    return _response(job, [_message(job)], "incomplete" if cut else "completed", details, _usage(job))


def events(job: Job) -> Iterator[Event]:
    """The events of one message; sequence numbers count them all."""
    number, text, last = count(), job.choices[0].text, job.steps
    opened = {"response": _response(job, [], "in_progress", None, None)}
    yield _named(job, 1, number, "response.created", opened)
    yield _named(job, 1, number, "response.in_progress", opened)
    fresh = {**_message(job), "content": [], "status": "in_progress"}
    yield _named(job, 1, number, "response.output_item.added", {"item": fresh, "output_index": 0})
    place = {"content_index": 0, "item_id": _message_id(job), "output_index": 0}
    empty = {"annotations": [], "text": "", "type": "output_text", "logprobs": []}
    yield _named(job, 1, number, "response.content_part.added", {**place, "part": empty})
    for at, piece in enumerate(job.choices[0].pieces, 1):
        said = {**place, "delta": piece, "logprobs": []}
        yield _named(job, at, number, "response.output_text.delta", said)
    done = {**place, "logprobs": [], "text": text}
    yield _named(job, last, number, "response.output_text.done", done)
    yield _named(job, last, number, "response.content_part.done", {**place, "part": _message(job)["content"][0]})
    yield _named(job, last, number, "response.output_item.done", {"item": _message(job), "output_index": 0})
    closed = {"response": whole(job)}
    ending = "incomplete" if job.cloud and job.choices[0].finish_reason == "length" else "completed"
    yield _named(job, last, number, f"response.{ending}", closed)._replace(kind="finish")


RESPONSES = Dialect(read, whole, events)


def _messages(body: Mapping[str, Any]) -> list[Any]:
    given, instructions = body["input"], body.get("instructions")
    messages: list[Any] = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
    return [{"role": "system", "content": instructions}, *messages] if instructions else messages


def _named(job: Job, after: int, number: Iterator[int], name: str, payload: Payload) -> Event:
    return Event(after, event(job, {**payload, "sequence_number": next(number), "type": name}))


def _message_id(job: Job) -> str:
    return job.id.replace("resp_", "msg_", 1)


def _message(job: Job) -> Payload:
    part: Payload = {"annotations": [], "text": job.choices[0].text, "type": "output_text", "logprobs": None}
    return {
        "id": _message_id(job),
        "content": [part],
        "role": "assistant",
        "status": "completed",
        "type": "message",
        "phase": None,
    }


def _usage(job: Job) -> Payload:
    read = {"cached_tokens": job.cached, "cache_write_tokens": 0}
    said = {"reasoning_tokens": 0, "tool_output_tokens": 0}
    return {
        "input_tokens": job.prompt_tokens,
        "input_tokens_details": {**read, "input_tokens_per_turn": [], "cached_tokens_per_turn": []},
        "output_tokens": job.completion_tokens,
        "output_tokens_details": {**said, "output_tokens_per_turn": [], "tool_output_tokens_per_turn": []},
        "total_tokens": job.prompt_tokens + job.completion_tokens,
    }


def _response(
    job: Job, output: list[Payload], status: str, incomplete: Payload | None, usage: Payload | None
) -> Payload:
    ask = job.body.get
    return {
        "id": job.id,
        "created_at": job.created,
        "incomplete_details": incomplete,
        "instructions": ask("instructions"),
        "metadata": ask("metadata"),
        "model": job.model,
        "object": "response",
        "output": output,
        "parallel_tool_calls": True,
        "temperature": float(ask("temperature", 1.0)),
        "tool_choice": ask("tool_choice", "none"),
        "tools": ask("tools", []),
        "top_p": float(ask("top_p", 1.0)),
        "background": False,
        "max_output_tokens": ask("max_output_tokens"),
        "max_tool_calls": None,
        "previous_response_id": None,
        "prompt": None,
        "reasoning": None,
        "service_tier": "auto",
        "status": status,
        "text": ask("text"),
        "top_logprobs": None,
        "truncation": "disabled",
        "usage": usage,
        "user": ask("user"),
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "kv_transfer_params": None,
        "ec_transfer_params": None,
        "input_messages": None,
        "output_messages": None,
    }
