"""Replica a fails in each way that a real one fails, under answers on their way; replica b stays well."""

import http.client
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from vllm_cpu import Replica

from tests.real.answer import Answer
from tests.real.seen import eventually, metric, operate

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

Failing = Callable[..., Replica]
ASK = {"model": "words", "messages": [{"role": "user", "content": "hello world"}], "temperature": 0}
LONG = {**ASK, "max_tokens": 1800}  # some six seconds
SHORT = {**ASK, "max_tokens": 5}


@pytest.fixture
def failing(replicas: tuple[Replica, Replica], strained: str) -> Iterator[Failing]:
    """`failing(*flags)`: replica a, running with these flags, known to the gateway to be up and trusted."""
    victim, _ = replicas

    def prepare(*flags: str) -> Replica:
        if flags and victim.running():
            victim.stop()
        if not victim.running():
            victim.start(*flags)
            victim.wait()
        operate(strained, "a", "breaker/reset")
        eventually(lambda: metric(strained, "penstock_target_up", target="a") == 1, 20, "a is seen to be up")
        assert metric(strained, "penstock_breaker_state") == 0
        return victim

    yield prepare
    if not victim.healthy():
        victim.stop()


@contextmanager
def under_way(gateway: str) -> Iterator[tuple[Future[Answer], list[Future[Answer]]]]:
    """A long stream that replica a is making, and long whole answers of which one is at a too."""
    with ThreadPoolExecutor() as pool:
        streamed = Answer(gateway, {**LONG, "stream": True})
        operate(gateway, "b", "drain")
        try:
            stream = pool.submit(streamed.read)
            eventually(lambda: len(streamed.events) > 3, 20, "the stream began")
        finally:
            operate(gateway, "b", "undrain")
        wholes: list[Future[Answer]] = []
        while metric(gateway, "penstock_in_flight", target="a") < 2:  # the first goes to b, which has less to do
            assert len(wholes) < 4
            wholes.append(pool.submit(Answer(gateway, LONG).read))
            expected = 1 + len(wholes)
            eventually(lambda: metric(gateway, "penstock_in_flight") == expected, 5, "it is under way")  # noqa: B023
        yield stream, wholes


def broken_as_told(answer: Answer) -> None:
    """A stream that broke says so and does not look complete."""
    assert answer.status == 200
    assert answer.target == "a"
    assert not answer.aborted, "a stream that vLLM gave up looks complete"
    assert answer.error["message"]
    assert not answer.looks_complete


def answered_by_b(answer: Answer) -> None:
    assert answer.status == 200
    assert not answer.aborted, "half an answer, given up by vLLM, was passed on"
    assert answer.target == "b"
    assert answer.looks_complete


def test_contexts_too_long_open_no_breaker(strained: str, failing: Failing) -> None:
    failing()
    body = {**SHORT, "messages": [{"role": "user", "content": "!" * 2100}]}
    made = metric(strained, "penstock_attempts_total")
    for _ in range(15):
        assert httpx.post(f"{strained}/v1/chat/completions", json=body, timeout=30).status_code == 400
    assert metric(strained, "penstock_attempts_total") == made + 15, "it was tried elsewhere, where it must fail too"
    assert metric(strained, "penstock_breaker_state") == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_leaves(replicas: tuple[Replica, Replica], strained: str, failing: Failing, stream: bool) -> None:
    failing()

    def running() -> float:
        return sum(metric(replica.url, "vllm:num_requests_running") for replica in replicas)

    connection = http.client.HTTPConnection(strained.removeprefix("http://"), timeout=30)
    connection.request(
        "POST", "/v1/chat/completions", json.dumps({**LONG, "stream": stream}), {"content-type": "application/json"}
    )
    reply = connection.getresponse() if stream else None
    if reply:
        assert reply.readline()
    eventually(lambda: running() == 1, 5, "an engine is at work")
    connection.close()
    if reply:
        reply.close()  # it holds the socket too
    eventually(lambda: running() == 0, 1, "the engine stops")
    eventually(lambda: metric(strained, "penstock_in_flight") == 0, 1, "the lease comes back")


def test_a_replica_hangs(strained: str, failing: Failing) -> None:
    """Hanging, vLLM calls itself healthy, sends status 200 at once and then nothing."""
    victim = failing()
    with under_way(strained) as (stream, wholes):
        victim.pause()
        try:
            broken_as_told(stream.result(30))
            met = metric(strained, "penstock_attempts_total", target="a")
            for body in (SHORT, {**SHORT, "stream": True}):
                answered_by_b(Answer(strained, body).read())
            assert metric(strained, "penstock_attempts_total", target="a") <= met + 2
        finally:
            victim.resume()
        for whole in wholes:
            assert whole.result(60).looks_complete


@pytest.mark.parametrize("fail", [Replica.kill, Replica.kill_worker, Replica.stop])
def test_a_replica_dies_under_its_answers(strained: str, failing: Failing, fail: Callable[[Replica], None]) -> None:
    victim = failing()
    with under_way(strained) as (stream, wholes):
        fail(victim)
        broken_as_told(stream.result(30))
        for whole in wholes:
            answered_by_b(whole.result(60))
    victim.ended()
    answered_by_b(Answer(strained, SHORT).read())
    eventually(lambda: metric(strained, "penstock_target_up", target="a") == 0, 20, "a is seen to be down")
    assert metric(strained, "penstock_in_flight") == 0


def test_a_replica_drains(strained: str, failing: Failing) -> None:
    """Draining, vLLM calls itself healthy, finishes what it has and answers new requests with 500."""
    victim = failing("--shutdown-timeout=60")  # it gives up what it has not finished by then, which b then answers
    with under_way(strained) as (stream, wholes):
        eventually(lambda: metric(victim.url, "vllm:num_requests_running") == 2, 20, "its engine has both")
        victim.terminate()
        for _ in range(4):
            answered_by_b(Answer(strained, SHORT).read())
        assert not stream.done(), "the drain was over before it could be seen"
        for answer in [stream.result(60)] + [whole.result(60) for whole in wholes]:
            assert answer.status == 200
            assert answer.looks_complete
        assert stream.result().target == "a"
        assert "a" in [whole.result().target for whole in wholes]
    victim.ended()


def test_a_full_queue_is_busy_and_not_broken(strained: str, failing: Failing) -> None:
    failing("--max-num-seqs=1", "--max-num-queued-reqs=2")  # two in all, the running one included
    with under_way(strained) as (stream, wholes):  # at a, one runs and one waits
        busy = metric(strained, "penstock_attempts_total", target="a", verdict="busy")
        operate(strained, "b", "drain")
        try:
            refused = httpx.post(f"{strained}/v1/chat/completions", json=SHORT, timeout=30)
        finally:
            operate(strained, "b", "undrain")
        assert refused.status_code == 429
        assert float(refused.headers["retry-after"]) > 0
        for body in [SHORT, {**SHORT, "stream": True}] * 4:
            answered_by_b(Answer(strained, body).read())
        assert metric(strained, "penstock_attempts_total", target="a", verdict="busy") > busy
        assert metric(strained, "penstock_breaker_state") == 0
        for answer in (stream, *wholes):
            assert answer.result(60).looks_complete
