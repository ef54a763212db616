"""The request members that OpenAI knows. Its API answers 400 to any other, so a call that falls back leaves those out.

From the request types of openai-python 3.57.
"""

from __future__ import annotations

from collections.abc import Mapping

KNOWN: Mapping[str, frozenset[str]] = {
    "chat": frozenset(
        """
        audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens
        messages metadata modalities model moderation n parallel_tool_calls prediction presence_penalty
        prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort response_format
        safety_identifier seed service_tier stop store stream stream_options temperature tool_choice tools
        top_logprobs top_p user verbosity web_search_options
        """.split()
    ),
    "completions": frozenset(
        """
        best_of echo frequency_penalty logit_bias logprobs max_tokens model n presence_penalty prompt seed
        stop stream stream_options suffix temperature top_p user
        """.split()
    ),
    "responses": frozenset(
        """
        access_programs background background_options context_management conversation image include input
        instructions max_output_tokens max_tool_calls metadata model moderation parallel_tool_calls
        previous_response_id prompt prompt_cache_key prompt_cache_options prompt_cache_retention reasoning
        safety_identifier service_tier store stream stream_options temperature text tool_choice tools
        top_logprobs top_p truncation user
        """.split()
    ),
    "embeddings": frozenset(
        """
        dimensions encoding_format input model user
        """.split()
    ),
}
