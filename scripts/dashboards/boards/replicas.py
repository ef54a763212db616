"""Which replica or GPU is ill, full or idle?"""

from dashboards.board import FIRING, Board, Variable
from dashboards.common import BREAKERS, percentile
from dashboards.panels import NONE_IS_GOOD, TOKENS, Panel, Query, series, stat, timeline

REPLICA = Variable("replica", "Replica", "label_values(vllm:num_requests_running, instance)")
HOST = Variable("host", "GPUs of", "label_values(DCGM_FI_DEV_GPU_UTIL, instance)")
CHOSEN = 'instance=~"$replica"'
BY_GATEWAYS = '{target=~"$replica"}'
UP = {1: ("up", "green"), 0: ("down", "red")}


def _engine(title: str, says: str, unit: str, expr: str, most: float = 0) -> Panel:
    """What each engine says of itself; `%` stands for the chosen ones."""
    return series(title, says, unit, Query(expr.replace("%", CHOSEN), "{{instance}}"), most=most)


def _p95(title: str, says: str, metric: str) -> Panel:
    return series(title, says, "s", percentile(0.95, f"vllm:{metric}", "instance", CHOSEN))


def _gpu(title: str, says: str, unit: str, recorded: str, most: float = 0) -> Panel:
    return series(title, says, unit, _of_gpus(recorded), most=most)


def _of_gpus(recorded: str) -> Query:
    chosen = f'{recorded}{{instance=~"$host"}}'
    return Query(chosen if ":" in recorded else f"max by (instance, gpu) ({chosen})", "{{instance}} {{gpu}}")


POOL = [
    timeline(
        "Up",
        "Whether at least one instance of the gateway finds the replica well.",
        Query(f"target:penstock_target_up:max{BY_GATEWAYS}", "{{target}}"),
        UP,
    ).sized(12, 7),
    timeline(
        "Breakers",
        "The worst that any instance thinks of the replica.",
        Query(f"max by (target) (penstock_breaker_state{BY_GATEWAYS})", "{{target}}"),
        BREAKERS,
    ).sized(12, 7),
    series(
        "In flight",
        "Requests that the instances have open at each replica.",
        "none",
        Query(f"sum by (target) (penstock_in_flight{BY_GATEWAYS})", "{{target}}"),
    ),
    _engine("Running", "Requests in the batch.", "none", "sum by (instance) (vllm:num_requests_running{%})"),
    _engine("Queue", "Requests that wait for the batch.", "none", "sum by (instance) (vllm:num_requests_waiting{%})"),
    _engine(
        "KV cache",
        "Share of it in use over 5 minutes; above 90 %, and with preemptions, KvCacheFull fires.",
        "percentunit",
        "instance:vllm_kv_cache_usage:avg5m{%}",
        1,
    ),
    _engine(
        "Preemptions",
        "Requests that lose their place for want of KV cache, and are computed anew.",
        "reqps",
        "instance:vllm_num_preemptions:rate5m{%}",
    ),
    _engine("Tokens written", "What the replica generates.", TOKENS, "instance:vllm_generation_tokens:rate5m{%}"),
    _engine(
        "Tokens read",
        "Tokens of prompts, with those found in the prefix cache.",
        TOKENS,
        "sum by (instance) (rate(vllm:prompt_tokens_total{%}[$__rate_interval]))",
    ),
    _engine(
        "Prefix cache hits",
        "Share of the prompts' tokens that were found in the prefix cache.",
        "percentunit",
        "sum by (instance) (rate(vllm:prefix_cache_hits_total{%}[$__rate_interval]))"
        " / sum by (instance) (rate(vllm:prefix_cache_queries_total{%}[$__rate_interval]))",
        1,
    ),
    _p95("First token p95", "As the engine measures it, its queue included.", "time_to_first_token_seconds"),
    _p95("Time in the queue p95", "From the arrival at the engine to the batch.", "request_queue_time_seconds"),
    _p95("Inter-token time p95", "Between two tokens, as the engine measures it.", "inter_token_latency_seconds"),
    series(
        "Attempts by verdict",
        "What came of the gateway's attempts at these replicas.",
        "reqps",
        Query(f"sum by (verdict) (target_verdict:penstock_attempts:rate5m{BY_GATEWAYS})", "{{verdict}}"),
        stacked=True,
    ),
    _engine(
        "Starts within an hour",
        "From two on ReplicaRestarts fires: it may have run out of memory.",
        "none",
        "max by (instance) (changes(vllm:generation_tokens_created{%}[1h]))",
    ),
]

GPUS = [
    _gpu(
        "Utilisation",
        "Share of the time in which the GPU had work, over 5 minutes; GpuSaturated looks from 99 % on.",
        "percent",
        "instance_gpu:DCGM_FI_DEV_GPU_UTIL:avg5m",
        100,
    ),
    _gpu(
        "Memory in use",
        "Share of the GPU's memory; vLLM takes its part at the start.",
        "percentunit",
        "instance_gpu:DCGM_FI_DEV_FB_USED:ratio",
        1,
    ),
    _gpu("Memory free", "What the GPU's memory has left.", "mbytes", "DCGM_FI_DEV_FB_FREE"),
    _gpu("Temperature", "Of the GPU's core.", "celsius", "DCGM_FI_DEV_GPU_TEMP"),
    _gpu("Power", "What the GPU draws.", "watt", "DCGM_FI_DEV_POWER_USAGE"),
    _gpu(
        "Memory traffic",
        "Share of the time in which the GPU read or wrote its memory: decoding is bound by it.",
        "percentunit",
        "DCGM_FI_PROF_DRAM_ACTIVE",
        1,
    ),
    stat(
        "Last error",
        "Number of each GPU's last XID error; NVIDIA's list says what it means.",
        "none",
        _of_gpus("instance_gpu:DCGM_FI_DEV_XID_ERRORS:max"),
        steps=NONE_IS_GOOD,
        names={"0": "none"},
    ).sized(8, 6),
    stat(
        "Rows of memory replaced",
        "Rows that were replaced after an error that could not be corrected.",
        "none",
        _of_gpus("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS"),
        steps=NONE_IS_GOOD,
    ).sized(8, 6),
    stat(
        "Rows that could not be replaced",
        "A GPU that has any is to be taken out: GpuMemoryWorn.",
        "none",
        _of_gpus("DCGM_FI_DEV_ROW_REMAP_FAILURE"),
        steps=NONE_IS_GOOD,
        names={"0": "none", "1": "some"},
    ).sized(8, 6),
]

REPLICAS = Board(
    "penstock-replicas",
    "replicas and GPUs",
    "Which replica or GPU is ill, full or idle?",
    [*POOL, "GPUs", *GPUS],
    [REPLICA, HOST],
    [FIRING],
)
