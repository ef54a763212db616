"""Busy, draining and dying, the simulator does what a real vLLM was recorded to do."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic

import httpx
import pytest
from tests.captures import Answer, captures, essence
from tests.servers import Simulator

RECORDED = {capture.name: capture for capture in captures("trouble")}
pytestmark = pytest.mark.skipif(not RECORDED, reason="there are no recordings of trouble")
FLAGS = ("--model", "slow", "--model", "words", "--max-model-len", "2048", "--block-size", "32")


def ask(url: str, name: str) -> Answer:
    """Sends the request of a recording anew."""
    capture = RECORDED[name]
    answer = httpx.request(
        capture.method, url + capture.path, headers=dict(capture.headers), content=capture.body, timeout=30
    )
    return Answer(answer.status_code, answer.headers, answer.text)


def until(true: Callable[[], bool]) -> None:
    end = monotonic() + 10
    while not true():
        assert monotonic() < end, "it did not come to pass in ten seconds"


@contextmanager
def under_way(simulator: Simulator, *names: str) -> Iterator[dict[str, Future[Answer]]]:
    """Recorded requests in flight: tokens of them exist. The block may end or kill the simulator under them."""
    with ThreadPoolExecutor(len(names)) as pool:
        futures = {name: pool.submit(ask, simulator.url, name) for name in names}
        until(lambda: simulator.state()["producing"] == len(names))
        yield futures


def assert_as_recorded(answers: dict[str, Future[Answer]]) -> None:
    for name, future in answers.items():
        assert essence(future.result(10)) == essence(RECORDED[name].answer), name


@pytest.mark.parametrize("name", ["busy_whole", "busy_stream", "busy_metrics"])
def test_a_full_queue_refuses_as_recorded(name: str) -> None:
    with (
        Simulator(*FLAGS, "--max-num-seqs", "1", "--max-num-queued-reqs", "1", "--decode-tps", "15") as simulator,
        ThreadPoolExecutor(2) as pool,
    ):
        held = [pool.submit(ask, simulator.url, "drained_stream") for _ in range(2)]
        until(lambda: simulator.state()["running"] == simulator.state()["waiting"] == 1)
        assert essence(ask(simulator.url, name)) == essence(RECORDED[name].answer)
        assert all(one.result(30).status == 200 for one in held)


def test_sigterm_ends_what_is_in_flight_as_recorded() -> None:
    with (
        Simulator(*FLAGS) as simulator,
        under_way(simulator, "terminated_whole", "terminated_stream") as answers,
    ):
        simulator.terminate()
        assert_as_recorded(answers)
        assert simulator.wait() == 0


def test_a_dying_engine_takes_the_process_with_it_as_recorded() -> None:
    """The recorded stream of a killed worker had waited in a full queue; one in flight ends as under SIGTERM."""
    with (
        Simulator(*FLAGS) as simulator,
        under_way(simulator, "worker_killed_whole", "terminated_stream") as answers,
    ):
        simulator.fault("oom_die")
        assert ask(simulator.url, "worker_killed_whole").status == 500
        assert_as_recorded(answers)
        assert simulator.wait() == 1


def test_draining_lets_what_is_in_flight_end_and_refuses_the_rest_as_recorded() -> None:
    with (
        Simulator(*FLAGS, "--shutdown-timeout", "15") as simulator,
        under_way(simulator, "drained_whole", "drained_stream") as answers,
    ):
        simulator.terminate()
        until(lambda: bool(simulator.state()["draining"]))
        for name in ("draining_health", "draining_whole", "draining_stream"):
            assert essence(ask(simulator.url, name)) == essence(RECORDED[name].answer), name
        assert_as_recorded(answers)
        assert simulator.wait() == 0
