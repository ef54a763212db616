"""Traces, through sockets: the caller's goes on, each attempt has a span, and targets, log and metrics know of it."""

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tests.collector import Collector, Span
from tests.gateway import Gateway
from tests.servers import Simulator
from tests.talk import CHAT, HELLO, Client, until

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": 'a="1",b=2'}
UNSAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-00", "tracestate": "a=1"}
PRICE = {"input_per_million_usd": 1000.0, "output_per_million_usd": 2000.0}
KEY = "sk-the-collectors"
OPENMETRICS = {"accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.2"}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def replicas() -> Iterator[list[Simulator]]:
    with Simulator("--speed", "100") as one, Simulator("--speed", "100") as other:
        yield [one, other]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Simulator]:
    with Simulator("--role", "cloud", "--speed", "100", "--model", "gpt-4o-mini") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def gateway(
    collector: Collector, replicas: list[Simulator], cloud: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """Of its own accord it traces nothing: what is traced is what the caller traces."""
    model = {
        "name": "support",
        "aliases": ["gpt-4"],
        "served_as": "tiny",
        "price": PRICE,
        "replicas": [{"url": each.url, "id": f"gpu-{at}"} for at, each in enumerate(replicas)],
        "fallback": [{"cloud": "cloud", "model": "gpt-4o-mini"}],
    }
    settings = {
        "models": [model],
        "clouds": {"cloud": {"base_url": f"{cloud.url}/v1", "api_key_env": "CLOUD_KEY"}},
        "breaker": {"fail_max": 100, "window_min": 1000},
        "watch": {"interval_s": 600},
        "ranking": "round_robin",
        "traces": {"endpoint": f"{collector.url}/otlp", "headers": f"x-key={KEY}", "ratio": 0, "every_s": 0.05},
    }
    with Gateway(tmp_path_factory.mktemp("gateway"), settings, env={"CLOUD_KEY": "sk-cloud"}) as process:
        yield process


@pytest.fixture
def client(gateway: Gateway, replicas: list[Simulator], cloud: Simulator) -> Iterator[Client]:
    with Client(gateway.url) as client:
        yield client
    for each in (*replicas, cloud):
        each.clear()


def traced(collector: Collector, answer: httpx.Response) -> tuple[Span, list[Span]]:
    """The span of the request and those of its attempts, once they are there."""
    request_id = answer.headers["x-request-id"]
    until(lambda: [each for each in collector.spans if each.told.get("penstock.request_id") == request_id], 15)
    return collector.of(request_id)


def asked(simulator: Simulator) -> dict[str, str]:
    """The headers of what it was asked last."""
    headers: dict[str, str] = simulator.state()["last"]["headers"]
    return headers


def test_a_request_of_a_traced_caller_has_a_span_and_its_attempt_another(
    client: Client, collector: Collector, replicas: list[Simulator]
) -> None:
    answer = client.chat("gpt-4", max_tokens=5, headers=SAMPLED)
    request, (attempt,) = traced(collector, answer)
    assert (request.trace_id, request.parent_id, request.kind, request.bad) == (TRACE, PARENT, "server", False)
    assert (attempt.trace_id, attempt.parent_id, attempt.kind, attempt.bad) == (TRACE, request.span_id, "client", False)
    assert {request.state, attempt.state} == {SAMPLED["tracestate"]}
    assert (request.name, attempt.name) == ("POST /v1/chat/completions", "chat tiny")
    target = answer.headers["x-penstock-target"]
    assert request.told == {
        "http.request.method": "POST",
        "http.route": CHAT,
        "url.path": CHAT,
        "url.scheme": "http",
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "support",
        "penstock.request_id": answer.headers["x-request-id"],
        "penstock.caller": "anyone",
        "penstock.outcome": "ok",
        "penstock.target": target,
        "penstock.attempts": 1,
    }
    usage = answer.json()["usage"]
    assert attempt.told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "vllm",
        "gen_ai.request.model": "tiny",
        "gen_ai.response.model": "tiny",
        "gen_ai.usage.input_tokens": usage["prompt_tokens"],
        "gen_ai.usage.output_tokens": 5,
        "server.address": "127.0.0.1",
        "server.port": replicas[int(target[-1])].port,
        "http.response.status_code": 200,
        "penstock.target": target,
        "penstock.target_kind": "replica",
        "penstock.attempt": 1,
    }


def test_its_times_are_those_of_the_clock_and_within_each_other(client: Client, collector: Collector) -> None:
    before = time.time_ns()
    request, (attempt,) = traced(collector, client.chat("support", stream=True, max_tokens=20, headers=SAMPLED))
    first = request.events["penstock.first_token"]
    slack = 1_000_000  # the two clocks are read one after the other
    times = [before - slack, request.began, attempt.began, first, attempt.ended, request.ended, time.time_ns() + slack]
    assert times == sorted(times)
    took = attempt.told["gen_ai.response.time_to_first_chunk"] * 1e9
    assert 0 < took <= first - attempt.began + slack
    assert attempt.told["gen_ai.response.time_to_first_chunk"] == pytest.approx(
        (first - attempt.began) / 1e9, abs=(request.ended - request.began) / 1e9
    )


def test_the_collector_hears_who_speaks_and_with_what_key(client: Client, collector: Collector) -> None:
    request, _ = traced(collector, client.chat("support", headers=SAMPLED))
    assert request.resource["service.name"] == "penstock"
    assert set(request.resource) == {"service.name", "service.version", "service.instance.id"}
    assert collector.headers[-1]["x-key"] == KEY
    assert collector.headers[-1]["content-type"] == "application/json"


@pytest.mark.parametrize("stream", [False, True])
def test_the_replica_hears_of_the_attempt_s_span(
    client: Client, collector: Collector, replicas: list[Simulator], stream: bool
) -> None:
    answer = client.chat("support", stream=stream, headers=SAMPLED)
    _, (attempt,) = traced(collector, answer)
    seen = asked(replicas[int(answer.headers["x-penstock-target"][-1])])
    assert seen["traceparent"] == f"00-{TRACE}-{attempt.span_id}-01"
    assert seen["tracestate"] == SAMPLED["tracestate"]


def test_a_retry_is_a_second_span_beside_the_first(
    client: Client, collector: Collector, replicas: list[Simulator]
) -> None:
    replicas[0].fault("status", status=500)
    answers = [client.chat("support", headers=SAMPLED) for _ in range(2)]  # they take turns
    (answer,) = [each for each in answers if each.headers["x-penstock-attempts"] == "2"]
    request, (failed, answered) = traced(collector, answer)
    assert (failed.parent_id, answered.parent_id) == (request.span_id, request.span_id)
    assert failed.ended <= answered.began
    assert failed.bad
    assert (failed.told["error.type"], failed.told["http.response.status_code"]) == ("server_error", 500)
    assert (failed.told["penstock.attempt"], answered.told["penstock.attempt"]) == (1, 2)
    assert "gen_ai.usage.output_tokens" not in failed.told
    assert not answered.bad
    assert "error.type" not in answered.told
    assert asked(replicas[0])["traceparent"].split("-")[2] == failed.span_id
    assert request.told["penstock.attempts"] == 2
    assert not request.bad


def test_a_fallback_says_why_and_what_it_cost(
    client: Client, collector: Collector, replicas: list[Simulator], cloud: Simulator
) -> None:
    for each in replicas:
        each.fault("status", status=429)
    answer = client.chat("support", headers=SAMPLED)
    request, (*busy, paid) = traced(collector, answer)
    assert [each.told["error.type"] for each in busy] == ["busy", "busy"]
    assert (paid.told["gen_ai.provider.name"], paid.told["penstock.target_kind"]) == ("openai", "cloud")
    assert (paid.told["penstock.target"], paid.told["server.port"]) == ("cloud", cloud.port)
    assert (paid.name, paid.told["gen_ai.response.model"]) == ("chat gpt-4o-mini", answer.json()["model"])
    assert request.told["penstock.fallback"] == "busy"
    usage = answer.json()["usage"]
    cost = (usage["prompt_tokens"] * 1000 + usage["completion_tokens"] * 2000) / 1e6
    assert request.told["penstock.cost_usd"] == pytest.approx(cost)
    assert asked(cloud)["traceparent"] == f"00-{TRACE}-{paid.span_id}-01"


def test_a_stream_tells_its_tokens_and_its_model_at_the_end(client: Client, collector: Collector) -> None:
    answer = client.chat("support", stream=True, max_tokens=7, min_tokens=7, headers=SAMPLED)
    _, (attempt,) = traced(collector, answer)
    assert attempt.told["gen_ai.request.stream"] is True
    assert (attempt.told["gen_ai.usage.output_tokens"], attempt.told["gen_ai.response.model"]) == (7, "tiny")


def test_a_stream_that_breaks_is_an_error_of_both(
    client: Client, collector: Collector, replicas: list[Simulator]
) -> None:
    for each in replicas:
        each.fault("cut", after_events=3)
    answer = client.chat("support", stream=True, max_tokens=20, min_tokens=20, headers=SAMPLED)
    request, (attempt,) = traced(collector, answer)
    assert (request.bad, attempt.bad) == (True, True)
    assert (request.told["penstock.outcome"], request.told["error.type"]) == ("broken", "stream_broken")
    assert (attempt.told["error.type"], attempt.told["http.response.status_code"]) == ("cut", 200)


def test_a_client_that_leaves_ends_its_spans(
    client: Client, collector: Collector, replicas: list[Simulator], gateway: Gateway
) -> None:
    for each in replicas:
        each.fault("slow", factor=100)
    body = {"model": "support", "messages": HELLO, "max_tokens": 500, "min_tokens": 500, "stream": True}
    with client.http.stream("POST", CHAT, json=body, headers=SAMPLED) as answer:
        next(answer.iter_raw())
    request, (attempt,) = traced(collector, answer)
    assert (request.told["penstock.outcome"], request.told["http.response.status_code"]) == ("client_gone", 499)
    assert not request.bad
    assert attempt.began < attempt.ended <= request.ended


def test_a_typed_function_is_a_chat_with_a_name(client: Client, collector: Collector) -> None:
    path = "/v1/functions/ClassifyTicket"
    answer = client.http.post(path, json={"text": "I was charged twice."}, headers=SAMPLED)
    assert answer.status_code == 200
    request, (attempt, *_) = traced(collector, answer)
    assert (request.name, request.told["penstock.function"]) == (f"POST {path}", "ClassifyTicket")
    assert (request.told["gen_ai.operation.name"], attempt.told["gen_ai.operation.name"]) == ("chat", "chat")


@pytest.mark.parametrize(
    ("path", "more", "operation"),
    [
        ("/v1/completions", {"prompt": "Hello"}, "text_completion"),
        ("/v1/embeddings", {"input": "Hello"}, "embeddings"),
        ("/v1/responses", {"input": "Hello"}, "chat"),
        ("/v1/responses", {"input": "Hello", "stream": True}, "chat"),
    ],
)
def test_every_dialect_has_its_operation(
    client: Client, collector: Collector, path: str, more: dict[str, Any], operation: str
) -> None:
    answer = client.http.post(path, json={"model": "support", **more}, headers=SAMPLED)
    assert answer.status_code == 200, answer.text
    request, (attempt,) = traced(collector, answer)
    assert (request.told["http.route"], request.told["gen_ai.operation.name"]) == (path, operation)
    assert attempt.name == f"{operation} tiny"
    assert attempt.told["gen_ai.response.model"] == "tiny"
    assert attempt.told["gen_ai.usage.input_tokens"] > 0


@pytest.mark.parametrize(
    ("body", "code", "status", "bad"),
    [
        ({"model": "support"}, "invalid_request", 400, False),
        ({"model": "nobody", "messages": HELLO}, "model_not_found", 404, False),
    ],
)
def test_a_refusal_is_traced_without_an_attempt_and_is_no_error_of_ours(
    client: Client, collector: Collector, body: dict[str, Any], code: str, status: int, bad: bool
) -> None:
    request, attempts = traced(collector, client.http.post(CHAT, json=body, headers=SAMPLED))
    assert (request.told["error.type"], request.told["http.response.status_code"]) == (code, status)
    assert (request.bad, attempts) == (bad, [])


def test_when_nobody_answers_the_request_is_an_error(
    client: Client, collector: Collector, replicas: list[Simulator], cloud: Simulator
) -> None:
    for each in (*replicas, cloud):
        each.fault("status", status=500)
    answer = client.chat("support", headers=SAMPLED)
    request, attempts = traced(collector, answer)
    assert (answer.status_code, request.bad, len(attempts)) == (502, True, 3)
    assert (request.told["error.type"], request.told["penstock.outcome"]) == ("upstream_error", "failed")


def test_the_other_routes_have_a_span_without_a_model(client: Client, collector: Collector) -> None:
    request, attempts = traced(collector, client.http.get("/v1/models", headers=SAMPLED))
    assert (request.name, request.told["url.path"], attempts) == ("GET", "/v1/models", [])
    assert not any(name.startswith("gen_ai") for name in request.told)


def test_the_open_routes_have_none(client: Client, collector: Collector) -> None:
    answer = client.http.get("/health/live", headers=SAMPLED)
    traced(collector, client.chat("support", headers=SAMPLED))
    told = [each.told.get("penstock.request_id") for each in collector.spans]
    assert answer.headers["x-request-id"] not in told


@pytest.mark.parametrize("headers", [UNSAMPLED, None])
def test_what_is_not_sampled_is_not_told_but_the_replica_hears_so(
    client: Client, collector: Collector, replicas: list[Simulator], headers: dict[str, str] | None
) -> None:
    answer = client.chat("support", headers=headers)
    seen = asked(replicas[int(answer.headers["x-penstock-target"][-1])])
    if headers:
        assert (seen["traceparent"], seen["tracestate"]) == (headers["traceparent"], "a=1")
    else:
        assert re.fullmatch(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00", seen["traceparent"])
        assert "tracestate" not in seen
    traced(collector, client.chat("support", headers=SAMPLED))  # it would have come before this one
    assert all(each.told.get("penstock.request_id") != answer.headers["x-request-id"] for each in collector.spans)


def test_the_log_s_line_the_answer_and_the_span_name_each_other(
    client: Client, collector: Collector, gateway: Gateway
) -> None:
    answer = client.chat("support", headers={**SAMPLED, "x-request-id": "my-own-1"})
    request, _ = traced(collector, answer)
    line = gateway.wait_for(lambda line: line.get("request_id") == "my-own-1")
    assert answer.headers["x-request-id"] == "my-own-1"
    assert (line["trace_id"], line["span_id"]) == (request.trace_id, request.span_id)
    other = client.chat("support")
    line = gateway.wait_for(lambda line: line.get("request_id") == other.headers["x-request-id"])
    assert not {"trace_id", "span_id"} & set(line)


def test_the_histograms_lead_to_the_trace(client: Client, collector: Collector) -> None:
    own = "11" * 16
    client.chat("support", stream=True, headers={"traceparent": f"00-{own}-{PARENT}-01"})
    answer = until(lambda: found if own in (found := client.http.get("/metrics", headers=OPENMETRICS)).text else None)
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    with_exemplars = {line.partition("{")[0] for line in answer.text.splitlines() if own in line}
    assert with_exemplars == {"penstock_request_seconds_bucket", "penstock_first_token_seconds_bucket"}
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}  # it is well-formed
    for sample in families["penstock_request_seconds"].samples:
        if sample.exemplar is not None and sample.exemplar.labels == {"trace_id": own}:
            assert sample.exemplar.value <= float(sample.labels["le"])
    plain = client.http.get("/metrics")
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "trace_id" not in plain.text


def test_spans_are_counted(client: Client, collector: Collector) -> None:
    def exported() -> float:
        return client.samples()['penstock_spans_total{fate="exported"}']

    before = exported()
    client.chat("support", headers=SAMPLED)
    until(lambda: exported() == before + 2)
