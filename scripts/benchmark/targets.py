"""What Penstock sets out to reach, beside what a run measured. Told, never asserted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isnan
from statistics import median

from benchmark.programs import PENSTOCK
from benchmark.run import DIRECT, Results

Measured = Callable[[Results], float | None]


@dataclass(frozen=True)
class Target:
    """A line of the table; `unit` follows the numbers."""

    what: str
    measured: Measured
    limit: float
    unit: str = ""
    at_least: bool = False

    def row(self, results: Results) -> list[str]:
        value = self.measured(results)
        wanted = f"{'≥' if self.at_least else '≤'} {self.limit:g}{self.unit}"
        if value is None:
            return [self.what, wanted, "not measured", ""]
        reached = value >= self.limit if self.at_least else value <= self.limit
        return [self.what, wanted, f"{value:.3g}{self.unit}", "yes" if reached else "**no**"]


def of(results: Results, workload: str, program: str, key: str) -> list[float]:
    """A figure in every round."""
    rounds = results.figures[workload][program] if workload in results.figures else []
    values = [figures[key] for figures in rounds]
    return [] if any(map(isnan, values)) else values


def ratio(results: Results, workload: str, over: str, under: str, key: str) -> float | None:
    """The median over the rounds of one program's figure over another's, each round by itself."""
    rounds = list(zip(of(results, workload, over, key), of(results, workload, under, key), strict=False))
    return median(one / other for one, other in rounds) if rounds and all(other for _, other in rounds) else None


def _against(workload: str, peer: str) -> Measured:
    return lambda results: ratio(results, workload, PENSTOCK, peer, "cpu")


def _our(workload: str, key: str) -> Measured:
    def measured(results: Results) -> float | None:
        values = of(results, workload, PENSTOCK, key)
        return median(values) if values else None

    return measured


def _over_direct(workload: str, key: str) -> Measured:
    def measured(results: Results) -> float | None:
        rounds = zip(of(results, workload, PENSTOCK, key), of(results, workload, DIRECT, key), strict=False)
        added = [ours - direct for ours, direct in rounds]
        return median(added) if added else None

    return measured


TARGETS = (
    Target("chat, CPU per request, over vllm-router's", _against("small", "vllm-router"), 1, " ×"),
    Target(
        "LiteLLM's CPU per request, over ours",
        lambda results: ratio(results, "small", "litellm", PENSTOCK, "cpu"),
        80,
        " ×",
        at_least=True,
    ),
    Target("stream, CPU, over vllm-router's", _against("streams-200", "vllm-router"), 1, " ×"),
    Target("stream, CPU, over sglang-router's", _against("streams-200", "sglang-router"), 1, " ×"),
    Target("typed function, CPU per call, over baml-cli's", _against("function", "baml-cli"), 0.7, " ×"),
    Target("one at a time, added latency p50", _our("latency", "p50"), 0.3, " ms"),
    Target("one at a time, added latency p99", _our("latency", "p99"), 1, " ms"),
    Target("512 streams, event delay p99.9, over direct", _over_direct("streams-512", "p999"), 20, " ms"),
    Target("512 streams, first token p99, over direct", _over_direct("streams-512", "first99"), 3, " ms"),
    Target("200 streams beside 128 KB prompts, event delay p99", _our("large-prompts", "p99"), 10, " ms"),
    Target("a reply of 0.5 MB holds an event for", _our("large-reply", "max"), 20, " ms"),
    Target("a typed list of 40 KB holds an event for", _our("long-list", "max"), 20, " ms"),
    Target("memory after 200,000 requests", _our("memory", "rss"), 90, " MB"),
)
