"""The metric families of vLLM: their names, the values of their labels, their buckets."""

_PLAIN = ("",)
_TIERS = tuple(f'source="{tier}"' for tier in ("device", "host", "p2p", "disk", "external_unspecified"))
_SOURCES = tuple(
    f'source="{source}"' for source in ("local_compute", "local_cache_hit", "external_kv_transfer")
)
_REASONS = tuple(
    f'finished_reason="{reason}"' for reason in ("stop", "length", "abort", "error", "repetition")
)

GAUGES = {
    "vllm:num_requests_running": _PLAIN,
    "vllm:num_requests_waiting": _PLAIN,
    "vllm:num_requests_waiting_by_reason": ('reason="capacity"', 'reason="deferred"'),
    "vllm:engine_sleep_state": tuple(
        f'sleep_state="{state}"' for state in ("awake", "weights_offloaded", "discard_all")
    ),
    "vllm:kv_cache_usage_perc": _PLAIN,
}

COUNTERS = {
    "vllm:estimated_flops_per_gpu": _PLAIN,
    "vllm:estimated_read_bytes_per_gpu": _PLAIN,
    "vllm:estimated_write_bytes_per_gpu": _PLAIN,
    "vllm:prefix_cache_queries": _PLAIN,
    "vllm:prefix_cache_hits": _PLAIN,
    "vllm:external_prefix_cache_queries": _PLAIN,
    "vllm:external_prefix_cache_hits": _PLAIN,
    "vllm:mm_cache_queries": _PLAIN,
    "vllm:mm_cache_hits": _PLAIN,
    "vllm:num_preemptions": _PLAIN,
    "vllm:prompt_tokens": _PLAIN,
    "vllm:prompt_tokens_by_source": _SOURCES,
    "vllm:prompt_tokens_cached": _PLAIN,
    "vllm:prompt_tokens_cached_by_source": _TIERS,
    "vllm:generation_tokens": _PLAIN,
    "vllm:request_success": _REASONS,
    "vllm:admission_rejections": ('reason="max_num_queued_reqs"', 'reason="max_num_queued_tokens"'),
}

_TOKENS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)
_PHASE = (
    0.3,
    0.5,
    0.8,
    1.0,
    1.5,
    2.0,
    2.5,
    5.0,
    10.0,
    15.0,
    20.0,
    30.0,
    40.0,
    50.0,
    60.0,
    120.0,
    240.0,
    480.0,
)
_SECONDS = (*_PHASE, 960.0, 1920.0, 7680.0)
_GAP = (
    0.01,
    0.025,
    0.05,
    0.075,
    0.1,
    0.15,
    0.2,
    0.3,
    0.4,
    0.5,
    0.75,
    1.0,
    2.5,
    5.0,
    7.5,
    10.0,
    20.0,
    40.0,
    80.0,
)
_FIRST = (
    0.001,
    0.005,
    0.01,
    0.02,
    0.04,
    0.06,
    0.08,
    0.1,
    0.25,
    0.5,
    0.75,
    1.0,
    2.5,
    5.0,
    7.5,
    10.0,
    20.0,
    40.0,
)

BUCKETS = {
    "vllm:request_prompt_tokens": _TOKENS,
    "vllm:request_generation_tokens": _TOKENS,
    "vllm:iteration_tokens_total": tuple(float(2**power) for power in (0, *range(3, 15))),
    "vllm:request_max_num_generation_tokens": _TOKENS,
    "vllm:request_params_n": _TOKENS[:5],
    "vllm:request_params_max_tokens": _TOKENS,
    "vllm:time_to_first_token_seconds": (*_FIRST, 80.0, 160.0, 640.0, 2560.0),
    "vllm:inter_token_latency_seconds": _GAP,
    "vllm:request_time_per_output_token_seconds": _GAP,
    "vllm:e2e_request_latency_seconds": _SECONDS,
    "vllm:request_queue_time_seconds": _SECONDS,
    "vllm:request_inference_time_seconds": _SECONDS,
    "vllm:request_prefill_time_seconds": _SECONDS,
    "vllm:request_decode_time_seconds": _SECONDS,
    "vllm:request_num_preemptions": (1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0),
    "vllm:request_prefill_kv_computed_tokens": _TOKENS,
}

CACHE_INFO = {
    "_block_size_resolved": True,
    "cache_dtype": "auto",
    "cache_hit_alignment_tokens": None,
    "effective_attention_block_size": None,
    "enable_mamba_shared_prefix_checkpoint": False,
    "enable_prefix_caching": True,
    "gpu_memory_utilization": 0.92,
    "hash_block_size": None,
    "is_attention_free": False,
    "kv_cache_dtype_skip_layers": "[]",
    "kv_cache_layout": None,
    "kv_cache_max_concurrency": None,
    "kv_cache_memory_bytes": None,
    "kv_offloading_backend": "native",
    "kv_offloading_size": None,
    "kv_sharing_fast_prefill": False,
    "mamba_block_size": None,
    "mamba_cache_dtype": "auto",
    "mamba_cache_mode": "none",
    "mamba_page_size_padded": None,
    "mamba_ssm_cache_dtype": "float32",
    "num_cpu_blocks": None,
    "num_gpu_blocks_override": None,
    "prefix_cache_retention_interval": 0,
    "prefix_caching_hash_algo": "sha256",
    "prefix_match_unit": None,
    "replayssm_buffer_len": 16,
    "skip_page_size_padded": None,
    "sliding_window": None,
    "swa_bounded_replay": True,
    "use_kda_recoverssm": False,
    "use_replayssm": False,
    "user_specified_block_size": False,
}
