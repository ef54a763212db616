"""`/v1/embeddings`: unit vectors that follow from the text."""

from base64 import b64encode
from collections.abc import Iterator
from math import sqrt
from random import Random
from struct import pack
from typing import Any
from zlib import crc32

from vllm_simulator.bodies import Body, check_types
from vllm_simulator.completions import read_prompts
from vllm_simulator.job import Dialect, Event, Job, new_job
from vllm_simulator.limits import check_context
from vllm_simulator.settings import Settings

_DIMENSIONS = 64


def read(body: Body, request_id: str, settings: Settings) -> Job:
    check_types(body, "input")
    prompts = read_prompts(body["input"], "input")
    for prompt in prompts:
        check_context(len(prompt.pieces), settings.max_model_len)
    return new_job("embd", request_id, {**body, "stream": False}, prompts, [], settings)


def whole(job: Job) -> dict[str, Any]:
    size = job.body.get("dimensions") or _DIMENSIONS
    packed = job.body.get("encoding_format") == "base64"
    data = []
    for number, prompt in enumerate(job.prompts):
        vector = _vector(prompt.text, size)
        shown = b64encode(pack(f"<{size}f", *vector)).decode() if packed else vector
        data.append({"index": number, "object": "embedding", "embedding": shown})
    usage = {"prompt_tokens": job.prompt_tokens, "total_tokens": job.prompt_tokens}
    return {
        "id": job.id,
        "object": "list",
        "created": job.created,
        "model": job.model,
        "data": data,
        "usage": {**usage, "completion_tokens": 0, "prompt_tokens_details": None},
    }


def events(job: Job) -> Iterator[Event]:
    """Embeddings do not stream."""
    return iter(())


EMBEDDINGS = Dialect(read, whole, events)


def _vector(text: str, size: int) -> list[float]:
    random = Random(crc32(text.encode()))
    values = [random.gauss(0, 1) for _ in range(size)]
    length = sqrt(sum(value * value for value in values))
    return [value / length for value in values]
