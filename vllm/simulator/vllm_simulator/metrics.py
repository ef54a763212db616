"""`/metrics`: vLLM's names, labels and buckets over what the engine did."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from time import time

from vllm_simulator.engine import Engine
from vllm_simulator.families import BUCKETS, CACHE_INFO, COUNTERS, GAUGES
from vllm_simulator.run import Run

CONTENT_TYPE = b"text/plain; version=1.0.0; charset=utf-8"


@dataclass(slots=True)
class Histogram:
    """Counts of observations at or under each bound, not yet summed up."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    sum: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float, times: int = 1) -> None:
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times


class Metrics:
    """Everything vLLM counts, for one engine; what the simulator has no model of stays 0."""

    def __init__(self, engine: Engine, model: str) -> None:
        self._engine = engine
        self._labels = f'engine="0",model_name="{model}"'
        self._model = f'model_name="{model}"'
        self._created = time()
        self.counters = {(name, label): 0.0 for name, labels in COUNTERS.items() for label in labels}
        self.histograms = {name: Histogram(bounds) for name, bounds in BUCKETS.items()}

    def rejected(self) -> None:
        """A request that the full queue refused."""
        self.counters["vllm:admission_rejections", 'reason="max_num_queued_reqs"'] += 1

    def finished(self, run: Run) -> None:
        """A run that came to its end."""
        prompt, count = len(run.prompt), self.counters
        count["vllm:prompt_tokens", ""] += prompt
        count["vllm:prompt_tokens_cached", ""] += run.cached
        count["vllm:prompt_tokens_by_source", 'source="local_compute"'] += prompt - run.cached
        count["vllm:prompt_tokens_by_source", 'source="local_cache_hit"'] += run.cached
        count["vllm:prompt_tokens_cached_by_source", 'source="device"'] += run.cached
        count["vllm:prefix_cache_queries", ""] += prompt
        count["vllm:prefix_cache_hits", ""] += run.cached
        count["vllm:generation_tokens", ""] += run.tokens
        reason = "stop" if run.reason == "tool_calls" else run.reason
        count["vllm:request_success", f'finished_reason="{reason}"'] += 1
        for name, value, times in self._observations(run):
            self.histograms[name].observe(value, times)

    def _observations(self, run: Run) -> Iterator[tuple[str, float, int]]:
        decode = run.finished - run.first_token
        gap = decode / (run.output - 1) if run.output > 1 else 0.0
        yield "vllm:time_to_first_token_seconds", run.first_token - run.arrived, 1
        yield "vllm:e2e_request_latency_seconds", run.finished - run.arrived, 1
        yield "vllm:request_queue_time_seconds", run.admitted - run.arrived, 1
        yield "vllm:request_prefill_time_seconds", run.first_token - run.admitted, 1
        yield "vllm:request_decode_time_seconds", decode, 1
        yield "vllm:request_inference_time_seconds", run.finished - run.admitted, 1
        yield "vllm:inter_token_latency_seconds", gap, run.output - 1
        yield "vllm:request_time_per_output_token_seconds", gap, 1
        yield "vllm:request_prompt_tokens", len(run.prompt), 1
        yield "vllm:request_generation_tokens", run.tokens, 1
        yield "vllm:request_max_num_generation_tokens", run.output, 1
        yield "vllm:request_params_n", run.choices, 1
        yield "vllm:request_params_max_tokens", run.output, 1
        yield "vllm:request_num_preemptions", run.preempted, 1
        yield "vllm:request_prefill_kv_computed_tokens", len(run.prompt) - run.cached, 1
        yield "vllm:iteration_tokens_total", max(1, self._engine.decoding), run.output

    def exposition(self) -> bytes:
        """The text a scraper reads."""
        lines = [*self._gauge_lines(), *self._counter_lines(), *self._histogram_lines(), ""]
        return "\n".join(lines).encode()

    def _gauge_lines(self) -> Iterator[str]:
        engine, blocks = self._engine, self._engine.blocks
        waiting = float(len(engine.waiting))
        values = {
            "vllm:num_requests_running": float(engine.running),
            "vllm:num_requests_waiting": waiting,
            "vllm:num_requests_waiting_by_reason": waiting,
            "vllm:engine_sleep_state": 1.0,
            "vllm:kv_cache_usage_perc": blocks.used / blocks.total,
        }
        for name, labels in GAUGES.items():
            samples = [values[name], *[0.0] * (len(labels) - 1)]
            yield from self._family(name, "gauge", zip(labels, samples, strict=True))
        info = {**CACHE_INFO, "block_size": blocks.block_size, "num_gpu_blocks": blocks.total}
        info["kv_cache_size_tokens"] = blocks.total * blocks.block_size
        told = ",".join(f'{name}="{value}"' for name, value in sorted(info.items()))
        yield from _header("vllm:cache_config_info", "gauge")
        yield f'vllm:cache_config_info{{engine="0",{told}}} 1.0'

    def _counter_lines(self) -> Iterator[str]:
        self.counters["vllm:num_preemptions", ""] = float(self._engine.preemptions)
        for name, labels in COUNTERS.items():
            samples = [(label, self.counters[name, label]) for label in labels]
            yield from self._family(f"{name}_total", "counter", samples)
            yield from self._family(f"{name}_created", "gauge", ((label, self._created) for label in labels))

    def _histogram_lines(self) -> Iterator[str]:
        for name, histogram in self.histograms.items():
            yield from _header(name, "histogram")
            total = 0
            for bound, count in zip([*histogram.bounds, float("inf")], histogram.counts, strict=True):
                total += count
                shown = "+Inf" if bound == float("inf") else float(bound)
                yield f'{name}_bucket{{{self._labels},le="{shown}"}} {float(total)}'
            yield f"{name}_count{{{self._labels}}} {float(total)}"
            yield f"{name}_sum{{{self._labels}}} {histogram.sum}"
            yield from self._family(f"{name}_created", "gauge", [("", self._created)])

    def _family(self, name: str, kind: str, samples: Iterable[tuple[str, float]]) -> Iterator[str]:
        yield from _header(name, kind)
        labels = self._model if name.startswith("vllm:admission") else self._labels
        for label, value in samples:
            yield f"{name}{{{','.join(filter(None, (labels, label)))}}} {value}"


def _header(name: str, kind: str) -> tuple[str, str]:
    title = name.removeprefix("vllm:").replace("_", " ")
    return f"# HELP {name} {title.capitalize()}.", f"# TYPE {name} {kind}"
