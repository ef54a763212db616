"""Replica a fails in each way that a real one fails, under answers on their way; replica b stays well."""

import http.client
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from vllm_cpu import Replica

from tests.real.gateway import Gateway, eventually

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

Failing = Callable[..., Replica]
ASK = {"model": "words", "messages": [{"role": "user", "content": "hello world"}], "temperature": 0}
LONG = {**ASK, "max_tokens": 1800}  # some six seconds
SHORT = {**ASK, "max_tokens": 5}


class Answer:
    """A stream, or a whole answer as a stream of one event, read to its end by a thread of its own."""

    def __init__(self, url: str, body: dict[str, object]) -> None:
        self.status = 0
        self.target = ""
        self.events: list[str] = []
        self._url, self._body = url, body

    def read(self) -> "Answer":
        with httpx.stream("POST", f"{self._url}/v1/chat/completions", json=self._body, timeout=90) as reply:
            self.status = reply.status_code
            self.target = reply.headers.get("x-penstock-target", "")
            for line in reply.iter_lines():
                if line:
                    self.events.append(line.removeprefix("data: "))
        return self

    @property
    def looks_complete(self) -> bool:
        """What a client that knows no better takes for success."""
        return "[DONE]" in self.events or '"finish_reason":"' in "".join(self.events)

    @property
    def error(self) -> dict[str, str]:
        """The error that the last event holds."""
        error: dict[str, str] = json.loads(self.events[-1]).get("error", {})
        return error


@pytest.fixture
def failing(replicas: tuple[Replica, Replica], strained: Gateway) -> Iterator[Failing]:
    """`failing(*flags)`: replica a, running with these flags, known to the gateway to be up and trusted."""
    victim, _ = replicas

    def prepare(*flags: str) -> Replica:
        if flags and victim.running():
            victim.stop()
        if not victim.running():
            victim.start(*flags)
            victim.wait()
        strained.admin("a", "breaker/reset")
        eventually(lambda: strained.metric("penstock_target_up", target="a") == 1, 20, "a is seen to be up")
        assert strained.metric("penstock_breaker_state") == 0
        return victim

    yield prepare
    if not victim.healthy():
        victim.stop()


@contextmanager
def under_way(gateway: Gateway, count: int = 1) -> Iterator[list[tuple[Answer, Future[Answer]]]]:
    """A long stream and a long whole answer, both being made by replica a when the body runs."""
    gateway.admin("b", "drain")
    bodies = [{**LONG, "stream": True}, LONG] * count
    answers = [Answer(gateway.url, body) for body in bodies]
    with ThreadPoolExecutor(len(answers)) as pool:
        futures = [pool.submit(answer.read) for answer in answers]
        try:
            eventually(lambda: all(len(answer.events) > 3 for answer in answers[::2]), 20, "the streams began")
            eventually(lambda: gateway.metric("penstock_in_flight", target="a") == len(answers), 5, "all are at a")
        finally:
            gateway.admin("b", "undrain")
        yield list(zip(answers, futures, strict=True))


def broken_as_told(answer: Answer) -> None:
    """A stream that broke says so and does not look complete."""
    assert answer.status == 200
    assert answer.target == "a"
    assert answer.error["message"]
    assert not answer.looks_complete


def answered_by_b(answer: Answer) -> None:
    assert answer.status == 200
    assert answer.target == "b"
    assert answer.looks_complete


@pytest.mark.parametrize("fail", [Replica.kill, Replica.kill_worker, Replica.terminate])
def test_a_replica_dies_under_its_answers(strained: Gateway, failing: Failing, fail: Callable[[Replica], None]) -> None:
    victim = failing()
    with under_way(strained) as [(_, streamed), (_, whole)]:
        fail(victim)
        broken_as_told(streamed.result(30))
        answered_by_b(whole.result(60))
    victim.ended()
    answered_by_b(Answer(strained.url, SHORT).read())
    eventually(lambda: strained.metric("penstock_target_up", target="a") == 0, 20, "a is seen to be down")
    assert strained.metric("penstock_in_flight") == 0


def test_a_replica_drains(strained: Gateway, failing: Failing) -> None:
    """Draining, vLLM calls itself healthy, finishes what it has and answers new requests with 500."""
    victim = failing("--shutdown-timeout=20")
    with under_way(strained) as [(_, streamed), (_, whole)]:
        victim.terminate()
        for _ in range(4):
            answered_by_b(Answer(strained.url, SHORT).read())
        assert not streamed.done(), "the drain was over before it could be seen"
        for answer in (streamed.result(30), whole.result(30)):
            assert answer.status == 200
            assert answer.target == "a"
            assert answer.looks_complete
    victim.ended()


def test_a_replica_hangs(strained: Gateway, failing: Failing) -> None:
    """Hanging, vLLM calls itself healthy, sends status 200 at once and then nothing."""
    victim = failing()
    with under_way(strained) as [(_, streamed), (_, whole)]:
        victim.pause()
        try:
            broken_as_told(streamed.result(30))
            met = strained.metric("penstock_attempts_total", target="a")
            for body in (SHORT, {**SHORT, "stream": True}):
                answered_by_b(Answer(strained.url, body).read())
            assert strained.metric("penstock_attempts_total", target="a") <= met + 3
        finally:
            victim.resume()
        assert whole.result(60).status == 200


def test_a_full_queue_is_busy_and_not_broken(strained: Gateway, failing: Failing) -> None:
    failing("--max-num-seqs=1", "--max-num-queued-reqs=1")
    with under_way(strained) as answers:  # one runs and one waits
        refused = strained.metric("penstock_attempts_total", target="a", verdict="busy")
        for body in [SHORT, {**SHORT, "stream": True}] * 4:
            answered_by_b(Answer(strained.url, body).read())
        assert strained.metric("penstock_breaker_state", target="a") == 0
        strained.admin("b", "drain")
        try:
            alone = httpx.post(f"{strained.url}/v1/chat/completions", json=SHORT, timeout=30)
        finally:
            strained.admin("b", "undrain")
        assert alone.status_code == 429
        assert float(alone.headers["retry-after"]) >= 0
        assert strained.metric("penstock_attempts_total", target="a", verdict="busy") > refused
        assert strained.metric("penstock_breaker_state", target="a") == 0
        for _, future in answers:
            assert future.result(60).looks_complete


def test_contexts_too_long_open_no_breaker(strained: Gateway, failing: Failing) -> None:
    failing()
    body = {**SHORT, "messages": [{"role": "user", "content": "!" * 2100}]}
    for _ in range(15):
        reply = httpx.post(f"{strained.url}/v1/chat/completions", json=body, timeout=30)
        assert reply.status_code == 400
        assert reply.headers["x-penstock-attempts"] == "1"
    assert strained.metric("penstock_breaker_state") == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_leaves(replicas: tuple[Replica, Replica], strained: Gateway, failing: Failing, stream: bool) -> None:
    failing()

    def running() -> float:
        return sum(replica.gauge("vllm:num_requests_running") for replica in replicas)

    connection = http.client.HTTPConnection("127.0.0.1", strained.port, timeout=30)
    connection.request(
        "POST", "/v1/chat/completions", json.dumps({**LONG, "stream": stream}), {"content-type": "application/json"}
    )
    if stream:
        assert connection.getresponse().readline()
    eventually(lambda: running() == 1, 5, "an engine is at work")
    connection.close()
    eventually(lambda: running() == 0, 1, "the engine stops")
    eventually(lambda: strained.metric("penstock_in_flight") == 0, 1, "the lease comes back")
