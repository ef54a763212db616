"""A collector that is dead, slow or refuses harms no request, and what is lost is counted. And no collector at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.collector import Collector
from tests.gateway import Gateway, one_model
from tests.servers import Simulator, free_port
from tests.talk import Client, until


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "100") as simulator:
        yield simulator


@contextmanager
def gateway(folder: Path, replica: Simulator, endpoint: str, ratio: float = 1) -> Iterator[tuple[Gateway, Client]]:
    settings = one_model([replica.url], traces={"endpoint": endpoint, "ratio": ratio, "every_s": 0.05})
    with Gateway(folder, settings) as process, Client(process.url) as client:
        yield process, client


def spans(client: Client, fate: str) -> float:
    return client.samples()[f'penstock_spans_total{{fate="{fate}"}}']


def test_a_collector_that_comes_late_gets_what_waited(tmp_path: Path, replica: Simulator) -> None:
    port = free_port()
    with gateway(tmp_path, replica, f"http://127.0.0.1:{port}") as (process, client):
        answers = [client.chat() for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200}
        line = process.wait_for(lambda line: line["event"] == "collector moved")
        assert (line["up"], "cannot connect" in line["why"]) == (False, True)
        with Collector(port) as collector:
            process.wait_for(lambda line: line["event"] == "collector moved" and line["up"], 20)
            until(lambda: len(collector.spans) == 10)
            assert {client.chat().status_code} == {200}


def test_a_collector_that_does_not_answer_holds_nobody_up(tmp_path: Path, replica: Simulator) -> None:
    with Collector() as collector:
        collector.open.clear()
        with gateway(tmp_path, replica, collector.url) as (process, client):
            client.chat()
            assert collector.asked.wait(10)
            assert {client.chat().status_code for _ in range(5)} == {200}
            process.terminate()
            assert process.wait(20) == 0  # the end waits for it, but not for long
        assert collector.spans == []


def test_what_it_refuses_is_lost_and_counted(tmp_path: Path, replica: Simulator) -> None:
    with Collector() as collector:
        collector.status = 400
        with gateway(tmp_path, replica, collector.url) as (process, client):
            assert client.chat().status_code == 200
            until(lambda: spans(client, "failed") == 2)
            assert process.wait_for(lambda line: line["event"] == "collector moved")["why"] == "HTTP 400"
            collector.status = 200
            client.chat()
            until(lambda: spans(client, "exported") == 2)


def test_what_waits_is_sent_at_the_end(tmp_path: Path, replica: Simulator) -> None:
    with Collector() as collector:
        settings = one_model([replica.url], traces={"endpoint": collector.url, "ratio": 1, "every_s": 600})
        with Gateway(tmp_path, settings) as process, Client(process.url) as client:
            answer = client.chat()
        request, attempts = collector.of(answer.headers["x-request-id"])
        assert (request.parent_id, len(attempts)) == ("", 1)


def test_about_so_many_are_traced_as_the_ratio_says(tmp_path: Path, replica: Simulator) -> None:
    with Collector() as collector:
        with gateway(tmp_path, replica, collector.url, ratio=0.25) as (_, client):
            for _ in range(400):
                client.chat(max_tokens=1)
        requests = [each for each in collector.spans if each.kind == "server"]
        assert 60 <= len(requests) <= 140  # four sigma and more
        assert len({each.trace_id for each in requests}) == len(requests)


def test_without_a_collector_nothing_is_traced_or_told(tmp_path: Path, replica: Simulator) -> None:
    with Gateway(tmp_path, one_model([replica.url])) as process, Client(process.url) as client:
        client.chat(headers={"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"})
        (line,) = until(process.requests)
        assert "trace_id" not in line
        assert "traceparent" not in replica.state()["last"]["headers"]
        assert "penstock_spans_total{" not in client.http.get("/metrics").text


def test_who_is_not_let_in_leaves_no_trace(tmp_path: Path, replica: Simulator) -> None:
    """Else anyone could fill the collector."""
    with Collector() as collector:
        settings = one_model([replica.url], traces={"endpoint": collector.url, "ratio": 1}, api_keys=["me=sk-mine"])
        with (
            Gateway(tmp_path, settings) as process,
            Client(process.url) as stranger,
            Client(process.url, "sk-mine") as me,
        ):
            refused = stranger.chat(headers={"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"})
            assert refused.status_code == 401
            answer = me.chat()
        (request,) = [each for each in collector.spans if each.kind == "server"]
        assert request.told["penstock.request_id"] == answer.headers["x-request-id"]
        assert request.told["penstock.caller"] == "me"
