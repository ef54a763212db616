"""Token counts in the shapes in which vLLM reports them, and the logprobs beside them."""

from typing import Any

from vllm_simulator.job import Choice, Job
from vllm_simulator.speech import likelihoods

Payload = dict[str, Any]


def whole_usage(job: Job) -> Payload:
    """`usage` of an answer in one piece."""
    size = job.settings.block_size
    created = max(0, job.prompt_tokens // size * size - job.cached)
    details = {"cached_tokens": job.cached, "created_cache_tokens": created, "multimodal_tokens": None}
    return {
        "prompt_tokens": job.prompt_tokens,
        "total_tokens": job.prompt_tokens + job.completion_tokens,
        "completion_tokens": job.completion_tokens,
        "prompt_tokens_details": details if job.settings.prompt_tokens_details else None,
        "completion_tokens_details": None,
    }


def final_usage(job: Job) -> Payload:
    """`usage` of a stream's last chunk."""
    usage = whole_usage(job)
    details = usage.pop("prompt_tokens_details")
    del usage["completion_tokens_details"]
    if details:
        del details["multimodal_tokens"]
        usage["prompt_tokens_details"] = details
    return usage


def running_usage(job: Job, tokens: int) -> Payload:
    """`usage` of each chunk under continuous_usage_stats."""
    return {
        "prompt_tokens": job.prompt_tokens,
        "total_tokens": job.prompt_tokens + tokens,
        "completion_tokens": tokens,
        "completion_tokens_details": None,
    }


def chat_logprobs(job: Job, choice: Choice, start: int, stop: int) -> Payload | None:
    """The logprobs of some of a choice's tokens in chat's shape; None when they were not asked for."""
    if not job.body.get("logprobs"):
        return None
    others = job.body.get("top_logprobs") or 0
    return {"content": [_token(choice.pieces[at], at, others) for at in range(start, stop)]}


def completion_logprobs(job: Job, choice: Choice, start: int, stop: int) -> Payload | None:
    """The same in the shape of text completions."""
    others = job.body.get("logprobs")
    if others is None or others is False:
        return None
    tokens = [likelihoods(choice.pieces[at], at, max(0, int(others) - 1)) for at in range(start, stop)]
    offset, offsets = len("".join(choice.pieces[:start])), []
    for piece in choice.pieces[start:stop]:
        offsets.append(offset)
        offset += len(piece)
    return {
        "text_offset": offsets,
        "token_logprobs": [ranked[0][1] for ranked in tokens],
        "tokens": list(choice.pieces[start:stop]),
        "top_logprobs": [dict(ranked) for ranked in tokens],
    }


def _token(piece: str, at: int, others: int) -> Payload:
    ranked = [
        {"token": text, "logprob": value, "bytes": list(text.encode())}
        for text, value in likelihoods(piece, at, max(0, others - 1))
    ]
    return {**ranked[0], "top_logprobs": ranked[:others]}
