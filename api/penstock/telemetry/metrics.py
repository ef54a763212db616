"""Every metric once: its name, its labels and its sentence."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from penstock import __version__
from penstock.telemetry.families import Counters, Histograms
from penstock.telemetry.gauges import Gauges, States

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)
SHORT = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)
OVERHEAD = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def content_type(accept: str) -> str:
    """OpenMetrics for whoever takes it, as Prometheus does; else Prometheus's own text."""
    return OPENMETRICS if "application/openmetrics-text" in accept else CONTENT_TYPE


class Metrics:
    """Counts in a registry of its own. `version` is what this instance is called beside others."""

    def __init__(self, version: str = __version__) -> None:
        self._registry = registry = CollectorRegistry()
        self._version = version

        def counter(name: str, says: str, *labels: str) -> Counters:
            family = Counters(f"penstock_{name}", says, labels)
            registry.register(family)
            return family

        def histogram(name: str, says: str, bounds: tuple[float, ...], *labels: str) -> Histograms:
            family = Histograms(f"penstock_{name}", says, labels, bounds)
            registry.register(family)
            return family

        self.requests = counter(
            "requests_total", "Requests, by how they ended.", "surface", "model", "target_kind", "outcome"
        )
        self.request_seconds = histogram(
            "request_seconds", "From a request's last byte to its answer's last byte.", SECONDS, "surface", "model",
            "target_kind",
        )  # fmt: skip
        self.first_token_seconds = histogram(
            "first_token_seconds", "From a request's last byte to its first token, streams only.", SECONDS, "model",
            "target_kind",
        )  # fmt: skip
        self.inter_token_seconds = histogram(
            "inter_token_seconds", "Mean time between the events of a stream.", SHORT, "model", "target_kind"
        )
        self.overhead_seconds = histogram(
            "overhead_seconds", "Time to the first byte of the answer that was ours, not a target's.", OVERHEAD,
            "surface",
        )  # fmt: skip
        self.queue_seconds = histogram("queue_seconds", "Time that a call waited for its turn.", SHORT, "model")
        self.attempts = counter("attempts_total", "Attempts at targets, by what came of them.", "target", "verdict")
        self.fallback = counter(
            "fallback_total", "Requests answered by a cloud, by why no replica did.", "model", "reason"
        )
        self.tokens = counter(
            "tokens_total", "Tokens, by kind: input, output, or estimates of both for answers that were cut.", "model",
            "target_kind", "kind",
        )  # fmt: skip
        self.cost_usd = counter("cost_usd_total", "Dollars that clouds were paid.", "model", "target_kind")
        self.saved_usd = counter("saved_usd_total", "Dollars a cloud would have cost for the pool's answers.", "model")
        self.spans = counter("spans_total", "Spans of traces, by whether the collector took them.", "fate")

        self.function_requests = counter(
            "function_requests_total", "Calls of typed functions, by how they ended.", "function", "outcome"
        )
        self.function_seconds = histogram(
            "function_seconds", "From a call's last byte to its answer's last byte.", SECONDS, "function"
        )
        self.function_tokens = counter("function_tokens_total", "Tokens of typed functions.", "function", "kind")
        self.caller_requests = counter(
            "caller_requests_total", "Requests of a caller, by how they ended.", "caller", "outcome"
        )
        self.caller_tokens = counter("caller_tokens_total", "Tokens of a caller.", "caller", "kind")
        self.caller_cost_usd = counter("caller_cost_usd_total", "Dollars that clouds were paid for a caller.", "caller")

    def show(self, states: Callable[[], States]) -> None:
        """Read these whenever the metrics are read: they cost the requests nothing."""
        self._registry.register(Gauges(states, self._version))

    def exposition(self, accept: str = "") -> bytes:
        """In the format of `content_type(accept)`. OpenMetrics alone has exemplars."""
        if content_type(accept) == OPENMETRICS:
            return bytes(openmetrics.generate_latest(self._registry))  # type: ignore[no-untyped-call]  # the library's
        return generate_latest(self._registry)
