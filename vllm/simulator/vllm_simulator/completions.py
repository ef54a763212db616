"""`/v1/completions`: texts or token ids, one or several."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vllm_simulator.bodies import Body, check_types
from vllm_simulator.errors import invalid_body
from vllm_simulator.job import Choice, Dialect, Event, Job, answer, new_job
from vllm_simulator.limits import check_context, check_limits
from vllm_simulator.settings import Settings
from vllm_simulator.shape import DONE, event, finish
from vllm_simulator.template import Prompt, read_text
from vllm_simulator.tokens import identify, spell
from vllm_simulator.usage import completion_logprobs, final_usage, running_usage, whole_usage

Payload = dict[str, Any]


def read(body: Body, request_id: str, settings: Settings) -> Job:
    check_types(body, "prompt")
    check_limits(body, settings.max_model_len)
    prompts = read_prompts(body["prompt"], "prompt")
    choices = []
    for prompt in prompts:
        check_context(len(prompt.pieces), settings.max_model_len)
        choices += [_answer(prompt, body, settings, number) for number in range(body.get("n") or 1)]
    return new_job("cmpl", request_id, body, prompts, choices, settings)


def read_prompts(given: object, name: str) -> list[Prompt]:
    """A text, texts, token ids, or lists of them. Raises ApiError for anything else."""
    if isinstance(given, str):
        return [read_text(given)]
    if isinstance(given, list) and given:
        if all(isinstance(one, int) for one in given):
            return [_spelled(given)]
        if all(isinstance(one, str) for one in given):
            return [read_text(one) for one in given]
        if all(isinstance(one, list) and all(isinstance(part, int) for part in one) for one in given):
            return [_spelled(one) for one in given]
    raise invalid_body("string_type", f"body.{name}", "Input should be a valid string", str(given)[:40])


def whole(job: Job) -> Payload:
    return {
        "id": job.id,
        "object": "text_completion",
        "created": job.created,
        "model": job.model,
        "choices": [_choice(job, number, choice) for number, choice in enumerate(job.choices)],
        "service_tier": None,
        "system_fingerprint": job.fingerprint,
        "usage": whole_usage(job),
        "kv_transfer_params": None,
        "ec_transfer_params": None,
        "metrics": None,
    }


def events(job: Job) -> Iterator[Event]:
    for at in range(job.steps):
        for number, choice in enumerate(job.choices):
            if at < len(choice.pieces):
                last = at + 1 == len(choice.pieces)
                chunk = _chunk(job, number, at)
                data = event(job, finish(job, choice, chunk) if last else chunk)
                yield Event(at + 1, data, "finish" if last else "delta")
    if job.asks("include_usage"):
        closing = {
            **_head(job),
            "choices": [],
            "usage": final_usage(job),
            "system_fingerprint": job.fingerprint,
        }
        yield Event(job.steps, event(job, closing), "usage")
    yield Event(job.steps, DONE, "done")


COMPLETIONS = Dialect(read, whole, events)


def _spelled(ids: list[int]) -> Prompt:
    parts = spell(ids)
    return Prompt("".join(parts), parts)


def _answer(prompt: Prompt, body: Body, settings: Settings, number: int) -> Choice:
    choice = answer(prompt, body, settings, number)
    if not body.get("echo"):
        return choice
    first, *rest = choice.pieces
    return replace(choice, pieces=[prompt.text + first, *rest])


def _prompt_of(job: Job, number: int) -> Prompt:
    return job.prompts[number * len(job.prompts) // len(job.choices)]


def _choice(job: Job, number: int, choice: Choice) -> Payload:
    ids = bool(job.body.get("return_token_ids"))
    return {
        "index": number,
        "text": choice.text,
        "logprobs": completion_logprobs(job, choice, 0, len(choice.pieces)),
        "finish_reason": choice.finish_reason,
        "stop_reason": choice.stop_reason,
        "token_ids": identify(choice.pieces) if ids else None,
        "prompt_logprobs": None,
        "prompt_token_ids": identify(_prompt_of(job, number).pieces) if ids else None,
        "routed_experts": None,
    }


def _head(job: Job) -> Payload:
    return {"id": job.id, "object": "text_completion", "created": job.created, "model": job.model}


def _chunk(job: Job, number: int, at: int) -> Payload:
    choice, ids = job.choices[number], bool(job.body.get("return_token_ids"))
    entry = {
        "index": number,
        "text": choice.pieces[at],
        "logprobs": completion_logprobs(job, choice, at, at + 1),
        "finish_reason": None,
        "stop_reason": None,
        "prompt_token_ids": identify(_prompt_of(job, number).pieces) if ids and at == 0 else None,
        "token_ids": identify([choice.pieces[at]]) if ids else None,
    }
    chunk = {**_head(job), "choices": [entry]}
    if job.asks("continuous_usage_stats"):
        chunk["usage"] = running_usage(job, at + 1)
    return chunk
