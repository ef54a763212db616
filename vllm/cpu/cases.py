"""What is asked of a real vLLM to see how it answers, by the flags that it runs with."""

from ask import CHAT, KEY, MESSAGES, MODEL, RESPONSES, TOO_LONG, Case, chat, completion, responses, tool_chat

NAMED = {"type": "function", "function": {"name": "get_weather"}}
USAGE = {"include_usage": True}
TICKET = {
    "type": "object",
    "properties": {
        "category": {"enum": ["billing", "technical"]},
        "confidence": {"type": "number"},
        "reason": {"type": "string", "maxLength": 40},
    },
    "required": ["category", "confidence", "reason"],
    "additionalProperties": False,
}
TICKET_FORMAT = {"type": "json_schema", "json_schema": {"name": "ticket", "schema": TICKET, "strict": True}}

ROUTES = [
    Case("health", "/health"),
    Case("ping", "/ping"),
    Case("version", "/version"),
    Case("load", "/load"),
    Case("metrics_idle", "/metrics"),
    Case("models", "/v1/models"),
    Case("models_one", f"/v1/models/{MODEL}"),
    Case("notfound", "/v1/nope"),
    Case("method_not_allowed", CHAT),
    Case("embeddings", "/v1/embeddings", {"model": MODEL, "input": "hello"}),
    Case("tokenize_prompt", "/tokenize", {"model": MODEL, "prompt": "hello world"}),
    Case("tokenize_chat", "/tokenize", {"model": MODEL, "messages": MESSAGES, "return_token_strs": True}),
    Case("detokenize", "/detokenize", {"model": MODEL, "tokens": [300, 301, 302]}),
    Case(
        "anthropic_messages",
        "/v1/messages",
        {"model": MODEL, "messages": MESSAGES, "max_tokens": 4, "temperature": 0},
    ),
]

ANSWERS = [
    chat("chat", seed=1),
    chat("chat_body_reqid", request_id="body-777"),
    chat("chat_logprobs", max_tokens=2, logprobs=True, top_logprobs=2),
    Case(
        "chat_max_completion_tokens",
        CHAT,
        {"model": MODEL, "messages": MESSAGES, "max_completion_tokens": 3, "temperature": 0},
    ),
    chat("chat_n2", n=2, seed=1, temperature=1),
    Case("chat_no_model", CHAT, {"messages": MESSAGES, "max_tokens": 2, "temperature": 0}),
    chat("chat_priority", priority=-5),
    chat("chat_stop", max_tokens=40, stop=["o"]),
    chat("chat_tokenids", return_token_ids=True),
    chat("chat_unknown_field", zzz_unknown=1),
    Case(
        "chat_usr_reqid",
        CHAT,
        {"model": MODEL, "messages": MESSAGES, "max_tokens": 2},
        {"X-Request-Id": "gw-abc-123"},
    ),
    chat("chat_stream", stream=True),
    chat("chat_stream_usage", stream=True, stream_options=USAGE),
    chat("chat_stream_contusage", stream=True, stream_options={**USAGE, "continuous_usage_stats": True}),
    chat("chat_stream_logprobs", stream=True, max_tokens=2, logprobs=True, top_logprobs=2),
    chat("chat_stream_n2", stream=True, max_tokens=2, n=2, seed=1, temperature=1, stream_options=USAGE),
    chat("chat_stream_tokenids", stream=True, return_token_ids=True),
    completion("completion"),
    completion("completion_echo", echo=True),
    completion("completion_logprobs", logprobs=2),
    completion("completion_multi", prompt=["hello", "world"]),
    completion("completion_tokenids_prompt", prompt=[300, 301, 302], return_token_ids=True),
    completion("completion_stream", stream=True, stream_options=USAGE),
    responses("responses"),
    responses("responses_stream", stream=True),
    chat("structured_json_schema", max_tokens=120, response_format=TICKET_FORMAT),
    chat("structured_json_schema_cut", max_tokens=10, response_format=TICKET_FORMAT),
    chat(
        "structured_json_schema_stream",
        max_tokens=120,
        response_format=TICKET_FORMAT,
        stream=True,
        stream_options=USAGE,
    ),
    chat("structured_choice", structured_outputs={"choice": ["yes", "no"]}),
    chat("structured_regex", structured_outputs={"regex": "[a-f]{4}"}),
    chat("guided_choice_ignored", guided_choice=["yes", "no"]),
    tool_chat("tool_none", "none", max_tokens=8),
]

ERRORS = [
    Case("err_bad_json", CHAT, '{"model": "words", "messages": ['),
    Case("err_empty_body", CHAT, ""),
    Case("err_wrong_ctype", CHAT, {"model": MODEL, "messages": MESSAGES}, {"content-type": "text/plain"}),
    Case("err_no_messages", CHAT, {"model": MODEL}),
    Case("err_empty_messages", CHAT, {"model": MODEL, "messages": []}),
    Case("err_messages_string", CHAT, {"model": MODEL, "messages": "hi"}),
    Case("err_responses_no_input", RESPONSES, {"model": MODEL}),
    chat("err_bad_role", messages=[{"role": "alien", "content": "x"}]),
    chat("err_bad_regex", structured_outputs={"regex": "("}),
    chat(
        "err_bad_schema",
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "alien"}}},
    ),
    chat("err_schema_missing", response_format={"type": "json_schema"}),
    chat("err_ctx_too_long", messages=[{"role": "user", "content": TOO_LONG}]),
    chat("err_ctx_too_long_stream", messages=[{"role": "user", "content": TOO_LONG}], stream=True),
    completion("err_ctx_completion", prompt=TOO_LONG),
    responses("err_ctx_responses", input=TOO_LONG),
    chat(
        "err_image",
        messages=[
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
            }
        ],
    ),
    chat("err_logprobs_big", logprobs=True, top_logprobs=50),
    chat("err_max_tokens_neg", max_tokens=-1),
    chat("err_max_tokens_zero", max_tokens=0),
    chat("err_max_tokens_too_big", max_tokens=5000),
    chat("err_n0", n=0),
    chat("err_n2_greedy", n=2),
    chat("err_stream_options_nostream", stream_options=USAGE),
    chat("err_temp_negative", temperature=-1),
    chat("err_temp_string", temperature="hot"),
    chat("err_top_p", top_p=2),
    chat("err_unknown_model", model="nope"),
    chat("err_unknown_model_stream", model="nope", stream=True),
    responses("err_unknown_model_responses", model="nope"),
    completion("err_unknown_model_completion", model="nope"),
    tool_chat("tool_auto", "auto"),
    tool_chat("tool_required", "required"),
    tool_chat("tool_named", NAMED),
    tool_chat("tool_named_unknown", {"type": "function", "function": {"name": "nope"}}),
    chat("tool_choice_without_tools", tool_choice="required"),
]

TOOLS = [
    tool_chat("tool_auto", "auto", max_tokens=8),
    tool_chat("tool_auto_stream", "auto", max_tokens=8, stream=True),
    tool_chat("tool_required", "required"),
    tool_chat("tool_required_cut", "required", max_tokens=8),
    tool_chat("tool_required_strict", "required", strict=True),
    tool_chat("tool_required_strict_stream", "required", strict=True, stream=True, stream_options=USAGE),
    tool_chat("tool_named_strict", NAMED, strict=True),
    tool_chat("tool_named_strict_stream", NAMED, strict=True, stream=True, stream_options=USAGE),
    tool_chat("tool_none", "none", max_tokens=8),
    chat("chat_cached_tokens", messages=[{"role": "user", "content": "hello world " * 40}]),
    chat("chat_cached_tokens_again", messages=[{"role": "user", "content": "hello world " * 40}]),
    Case(
        "request_id_echoed",
        CHAT,
        {"model": MODEL, "messages": MESSAGES, "max_tokens": 2},
        {"X-Request-Id": "gw-abc-123"},
    ),
    chat("request_id_made"),
]

AUTH = [
    Case("err_no_key", CHAT, {"model": MODEL, "messages": MESSAGES, "max_tokens": 2}),
    Case("err_wrong_key", CHAT, {"model": MODEL, "messages": MESSAGES}, {"Authorization": "Bearer wrong"}),
    Case("err_models_no_key", "/v1/models"),
    Case("health_no_key", "/health"),
    Case(
        "right_key",
        CHAT,
        {"model": MODEL, "messages": MESSAGES, "max_tokens": 2},
        {"Authorization": f"Bearer {KEY}"},
    ),
]

# Folder: the flags of the server, and what it is asked, in this order.
SETS: dict[str, tuple[list[str], list[Case]]] = {
    "default": ([], [*ROUTES, *ANSWERS, *ERRORS, Case("metrics_after", "/metrics")]),
    "tools": (
        [
            "--enable-auto-tool-choice",
            "--tool-call-parser=hermes",
            "--enable-prompt-tokens-details",
            "--enable-request-id-headers",
        ],
        TOOLS,
    ),
    "auth": ([f"--api-key={KEY}"], AUTH),
}

# What a busy or dying server is asked; record.py makes it busy or kills it under them.
TROUBLED = {
    "stream": chat("stream", max_tokens=40, stream=True, model="slow"),
    "whole": chat("whole", max_tokens=40, model="slow"),
}
TERMINATED = {
    "stream": chat("stream", max_tokens=1800, stream=True),
    "whole": chat("whole", max_tokens=1800),
}
