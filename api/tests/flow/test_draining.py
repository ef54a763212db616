"""How an instance goes: told at once, refusing soon, cutting nothing that can finish, and never quietly."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import Client, Json, code_of, events, until

ENDLESS: Json = {"max_tokens": 8000, "min_tokens": 8000, "ignore_eos": True}


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def gateway_over(replica: Simulator, folder: Path, *flags: str, delay_s: float = 0.0, drain_s: float = 20.0) -> Gateway:
    return Gateway(folder, one_model([replica.url], drain_delay_s=delay_s, drain_s=drain_s), *flags)


def test_it_says_so_first_and_refuses_later(replica: Simulator, tmp_path: Path) -> None:
    with gateway_over(replica, tmp_path, delay_s=2.0) as gateway, Client(gateway.url) as client:
        assert client.http.get("/health/ready").status_code == 200
        with client.streaming(max_tokens=200, min_tokens=200, ignore_eos=True) as long:
            text = long.iter_text()
            first = next(text)
            gateway.terminate()
            began = time.monotonic()
            until(lambda: client.http.get("/health/ready").status_code == 503, 1.5)
            assert client.http.get("/health/ready").json()["status"] == "draining"
            served = client.chat(max_tokens=1)
            assert served.status_code == 200
            assert served.headers["connection"] == "close"
            gateway.wait_for(lambda line: line["event"] == "draining")
            refused = until(lambda: (a := client.chat(max_tokens=1)).status_code != 200 and a)
            assert isinstance(refused, httpx.Response)
            assert (refused.status_code, code_of(refused)) == (503, "draining")
            assert (refused.headers["connection"], refused.headers["retry-after"]) == ("close", "1")
            assert time.monotonic() - began > 1.9
            assert client.http.get("/health/live").status_code == 200
            assert client.http.get("/metrics").status_code == 200
        del first
        assert gateway.wait() == 0
        assert not gateway.stray


def test_an_open_stream_runs_to_its_end(replica: Simulator, tmp_path: Path) -> None:
    with gateway_over(replica, tmp_path) as gateway, Client(gateway.url) as client:
        with client.streaming(max_tokens=40, min_tokens=40, ignore_eos=True) as answer:
            text = answer.iter_text()
            first = next(text)
            gateway.terminate()
            whole = first + "".join(text)
        assert events(whole)[-1] == "[DONE]"
        assert gateway.wait() == 0
        (line,) = gateway.requests()
        assert (line["status"], line["outcome"]) == (200, "ok")
        assert not gateway.stray


def test_an_open_call_is_answered(replica: Simulator, tmp_path: Path) -> None:
    answers: list[httpx.Response] = []
    with gateway_over(replica, tmp_path) as gateway, Client(gateway.url) as client:
        asking = threading.Thread(target=lambda: answers.append(client.chat(max_tokens=40, min_tokens=40)))
        asking.start()
        until(lambda: replica.state()["producing"])
        gateway.terminate()
        asking.join(10)
        assert gateway.wait() == 0
    assert [answer.status_code for answer in answers] == [200]


def test_a_stream_that_is_too_long_is_told(replica: Simulator, tmp_path: Path) -> None:
    aborted = replica.state()["aborted"]
    with gateway_over(replica, tmp_path, "--drain-seconds", "0.3") as gateway, Client(gateway.url) as client:
        with client.streaming(**ENDLESS) as answer:
            text = answer.iter_text()
            first = next(text)
            gateway.terminate()
            whole = first + "".join(text)
        assert "[DONE]" not in whole
        assert json.loads(events(whole)[-1])["error"]["code"] == "draining"
        assert gateway.wait(10) == 0
        (line,) = gateway.requests()
        assert (line["code"], line["outcome"]) == ("draining", "broken")
        assert not gateway.stray
    until(lambda: replica.state()["aborted"] == aborted + 1)


def test_a_call_that_is_too_long_is_told(replica: Simulator, tmp_path: Path) -> None:
    answers: list[httpx.Response] = []
    with gateway_over(replica, tmp_path, drain_s=0.2) as gateway, Client(gateway.url) as client:
        asking = threading.Thread(target=lambda: answers.append(client.chat(**ENDLESS)))
        asking.start()
        until(lambda: replica.state()["producing"])
        gateway.terminate()
        asking.join(10)
        assert gateway.wait(10) == 0
        assert [(answer.status_code, code_of(answer)) for answer in answers] == [(503, "draining")]
        assert [answer.headers["retry-after"] for answer in answers] == ["1"]
        assert not gateway.stray


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_instance_ends_soon(replica: Simulator, tmp_path: Path, number: signal.Signals) -> None:
    """Kept connections do not hold it up; SIGINT does not wait for balancers."""
    delay_s = 0.0 if number == signal.SIGTERM else 30.0
    with gateway_over(replica, tmp_path, delay_s=delay_s, drain_s=30.0) as gateway, Client(gateway.url) as client:
        client.chat(max_tokens=1)
        gateway.process.send_signal(number)
        assert gateway.wait(10) == 0
        assert not gateway.stray


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(replica: Simulator, tmp_path: Path, number: signal.Signals) -> None:
    with gateway_over(replica, tmp_path, delay_s=30.0, drain_s=30.0) as gateway, Client(gateway.url) as client:
        with client.streaming(**ENDLESS) as answer:
            text = answer.iter_text()
            first = next(text)
            gateway.terminate()
            gateway.wait_for(lambda line: line["event"] == "draining")
            gateway.process.send_signal(number)
            whole = first + "".join(text)
        assert json.loads(events(whole)[-1])["error"]["code"] == "draining"
        assert gateway.wait(10) == 0
        assert not gateway.stray


def test_a_client_that_does_not_read_does_not_hold_it_up(replica: Simulator, tmp_path: Path) -> None:
    with Simulator("--speed", "inf") as quick, gateway_over(quick, tmp_path, drain_s=0.2) as gateway:
        with Client(gateway.url) as client, client.streaming(**ENDLESS, n=20, temperature=1):
            gateway.terminate()
            assert gateway.wait(10) == 0
        assert not gateway.stray
