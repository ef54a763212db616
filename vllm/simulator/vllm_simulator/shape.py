"""From an answer's payload to the bytes of its role: vLLM's as they are, OpenAI's through `cloud`."""

from typing import Any

import orjson

from vllm_simulator import cloud
from vllm_simulator.job import Choice, Job

DONE = b"data: [DONE]\n\n"
Payload = dict[str, Any]


def body(job: Job, payload: Payload) -> bytes:
    """An answer in one piece."""
    return orjson.dumps(cloud.dress(payload, job) if job.cloud else payload)


def event(job: Job, payload: Payload) -> bytes:
    """One event of a stream; a payload with a `sequence_number` is named by its type, as in responses."""
    data = orjson.dumps(cloud.dress(payload, job) if job.cloud else payload)
    if "sequence_number" in payload:
        return b"event: %b\ndata: %b\n\n" % (payload["type"].encode(), data)
    return b"data: %b\n\n" % data


def error_event(payload: Payload) -> bytes:
    """An error inside a stream, spaced as vLLM's own."""
    data = orjson.dumps(payload).replace(b'":', b'": ').replace(b',"', b', "')
    return b"data: %b\n\n" % data


def finish(job: Job, choice: Choice, chunk: Payload) -> Payload:
    """Makes a chunk the last one of a choice; the fingerprint stands there unless a usage chunk follows."""
    entry = chunk["choices"][0]
    entry["finish_reason"] = choice.finish_reason
    entry["stop_reason"] = choice.stop_reason
    if not job.asks("include_usage"):
        chunk["system_fingerprint"] = job.fingerprint
    return chunk
