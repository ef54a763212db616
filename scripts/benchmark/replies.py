"""The requests of the bench and what its back ends answer: every program is given the same."""

from __future__ import annotations

import json

MODEL = "demo"
EVENTS = 65
EVENT_S = 0.02
STAMP = b"~~"
"""Stands before the time at which an event was sent: 19 digits, nanoseconds of the monotonic clock."""
STAMP_DIGITS = 19

LARGE_REPLY_MARK = b"half a megabyte, please"
LIST_MARK = b"a list of forty kilobytes, please"

METRICS = (
    f'vllm:num_requests_running{{engine="0",model_name="{MODEL}"}} 1.0\n'
    f'vllm:num_requests_waiting{{engine="0",model_name="{MODEL}"}} 0.0\n'
    f'vllm:kv_cache_usage_perc{{engine="0",model_name="{MODEL}"}} 0.1\n'
)
MODELS = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "vllm"}]})

_SYSTEM = "You are a helpful assistant that answers briefly."
_SENTENCE = "The quick brown fox jumps over the lazy dog, and a gateway passes every word of it on. "


def chat(size: int = 250, *, stream: bool = False, ask: str = "") -> bytes:
    """A chat request of about `size` bytes."""
    asked: dict[str, object] = {"model": MODEL, "messages": [], "max_tokens": 64}
    if stream:
        asked["stream"] = True
    asked["messages"] = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": ask}]
    text = _SENTENCE * (size // len(_SENTENCE) + 1)
    room = max(0, size - len(json.dumps(asked)))
    asked["messages"] = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": ask + text[:room]}]
    return json.dumps(asked).encode()


def ticket() -> bytes:
    """The arguments of ClassifyTicket."""
    return json.dumps({"text": "I was charged twice for March. Please refund one of the payments."}).encode()


def invoice() -> bytes:
    """The arguments of ExtractInvoice; the back end answers with a long list."""
    return json.dumps({"text": f"Invoice 7. {LIST_MARK.decode()}"}).encode()


def completion(content: str) -> str:
    """A whole chat completion, as vLLM writes it."""
    message: dict[str, object] = {
        "role": "assistant",
        "content": content,
        "refusal": None,
        "tool_calls": [],
        "reasoning": None,
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop", "stop_reason": None}
    usage = {"prompt_tokens": 38, "total_tokens": 78, "completion_tokens": 40, "prompt_tokens_details": None}
    told = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]}
    return json.dumps({**told, "usage": usage}, separators=(",", ":"))


TICKET = completion(
    json.dumps({"reason": "It is about a charge.", "category": "billing", "urgency": "high", "confidence": 0.9})
)
LARGE = completion(_SENTENCE * (500_000 // len(_SENTENCE)))


def _invoice() -> str:
    item = {"description": "A4 paper, 500 sheets, white", "quantity": 2, "unit_price": 4.5, "amount": 9.0}
    items = [item] * (40_000 // len(json.dumps(item)))
    told = {"vendor": "Northwind Paper GmbH", "customer": None, "invoice_number": "7", "issue_date": None}
    told |= {"due_date": None, "currency": "EUR"}
    return completion(json.dumps({**told, "line_items": items, "subtotal": 12.9, "tax": None, "total": 15.35}))


INVOICE = _invoice()
SMALL = completion((_SENTENCE * 3)[: 500 - len(completion(""))])


def chunk(delta: str, finish: str = "null") -> bytes:
    """A stream's event; `delta` and `finish` are JSON."""
    told = f'"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"{MODEL}"'
    choice = f'{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish},"token_ids":null}}'
    return f'data: {{{told},"choices":[{choice}]}}\n\n'.encode()


def usage_chunk() -> bytes:
    """The event that a client gets which asked for usage."""
    told = f'"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"{MODEL}","choices":[]'
    usage = '{"prompt_tokens":38,"total_tokens":103,"completion_tokens":65}'
    return f'data: {{{told},"usage":{usage}}}\n\n'.encode()
