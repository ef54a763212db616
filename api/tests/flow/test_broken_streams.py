"""What can happen to a stream after its first event: nothing that is broken may look complete."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import CHAT, HELLO, Client, Json, events, told, until

TIMEOUTS = {"first_event_s": 5, "between_events_s": 0.3, "total_s": 1.5}


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "100") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def gateway(replica: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = one_model(
        [replica.url],
        model={"timeouts": TIMEOUTS},
        breaker={"fail_max": 1, "reset_s": 60, "reset_max_s": 60},
        watch={"interval_s": 600},
    )
    with Gateway(tmp_path_factory.mktemp("gateway"), settings) as process:
        yield process


@pytest.fixture
def client(gateway: Gateway, replica: Simulator) -> Iterator[Client]:
    with Client(gateway.url) as client:
        yield client
        replica.clear()
        client.http.post(f"/admin/targets/127.0.0.1:{replica.port}/breaker/reset")


def breaker(client: Client) -> str:
    (card,) = client.targets().values()
    assert card["in_flight"] == 0
    return str(card["breaker"])


def last_error(text: str) -> Json:
    """The error that a stream ends with. That it ends so, and not as a stream that is complete, is asserted."""
    assert "[DONE]" not in text
    error: Json = json.loads(events(text)[-1])["error"]
    return error


BROKEN = {
    "cut": ({"kind": "cut"}, "stream_broken"),
    "cut_at_the_first": ({"kind": "cut", "after_events": 2}, "stream_broken"),
    "no_finish": ({"kind": "no_finish"}, "stream_broken"),
    "error_event": ({"kind": "error_event", "after_events": 3}, "stream_broken"),
    "stall": ({"kind": "stall"}, "upstream_timeout"),
    "stall_at_the_first": ({"kind": "stall", "after_events": 2}, "upstream_timeout"),
}


@pytest.mark.parametrize(("fault", "code"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("usage", [None, {"include_usage": True}], ids=["", "usage"])
def test_a_broken_stream_says_so(
    gateway: Gateway, client: Client, replica: Simulator, fault: dict[str, Any], code: str, usage: Json | None
) -> None:
    replica.fault(**fault)
    answer = client.chat(stream=True, stream_options=usage)
    assert (answer.status_code, answer.headers["x-penstock-attempts"]) == (200, "1")
    error = last_error(answer.text)
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code
    assert breaker(client) == "open"
    line = gateway.wait_for(lambda line: line.get("request_id") == answer.headers["x-request-id"])
    assert (line["status"], line["code"]) == (200, code)
    assert line["outcome"] == ("timeout" if code == "upstream_timeout" else "broken")


def test_what_came_before_the_break_is_handed_on(client: Client, replica: Simulator) -> None:
    whole = told(client.chat(stream=True).text)
    replica.fault("cut", after_events=5)  # one for the role, four words
    text = told(client.chat(stream=True).text.rpartition("data: ")[0])
    assert text == "".join(f" {word}" for word in whole.split()[:4])


def test_a_break_in_one_of_several_choices(client: Client, replica: Simulator) -> None:
    """One choice has finished, the others have not."""
    text = client.chat(stream=True, n=3, temperature=1).text
    assert events(text)[-1] == "[DONE]"
    finish = next(at for at, data in enumerate(events(text)) if '"finish_reason":"' in data)
    replica.fault("cut", after_events=finish + 1)
    answer = client.chat(stream=True, n=3, temperature=1).text
    assert '"finish_reason":"' in answer
    assert last_error(answer)["code"] == "stream_broken"


@pytest.mark.parametrize("usage", [None, {"include_usage": True}], ids=["", "usage"])
@pytest.mark.parametrize("more", [{}, {"n": 2, "temperature": 1}], ids=["", "several"])
def test_a_complete_stream_without_done_is_closed_by_us(
    client: Client, replica: Simulator, usage: Json | None, more: Json
) -> None:
    replica.fault("no_done")
    text = client.chat(stream=True, stream_options=usage, **more).text
    assert text.endswith("data: [DONE]\n\n")
    assert text.count("[DONE]") == 1
    assert ('"choices":[]' in text) == bool(usage)
    assert breaker(client) == "closed"


def test_a_malformed_event_is_skipped_and_told(client: Client, replica: Simulator) -> None:
    whole = told(client.chat(stream=True).text)
    replica.fault("malformed")
    text = client.chat(stream=True).text
    *tokens, last = events(text)
    assert told("\n\n".join(f"data: {each}" for each in tokens)) == whole
    assert json.loads(last)["error"]["code"] == "stream_broken"


@pytest.mark.parametrize("kind", ["cut", "error_event"])
def test_a_role_alone_commits_to_nothing(client: Client, replica: Simulator, kind: str) -> None:
    replica.fault(kind, after_events=1)
    answer = client.chat(stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_error")


def test_an_engine_that_dies_ends_its_streams_as_broken(client: Client, gateway: Gateway) -> None:
    with Simulator("--speed", "20", "--fault", "oom_die,after_events=3") as mortal:
        joined = client.http.post("/admin/targets", json={"model": "tiny", "url": mortal.url, "weight": 1e6})
        assert joined.status_code == 201
        text = client.chat(stream=True).text
        assert last_error(text)["code"] == "stream_broken"
        assert mortal.wait() == 1
        name = joined.json()["id"]
        assert until(lambda: client.targets()[name]["breaker"]) == "open"
        client.http.delete(f"/admin/targets/{name}")


def test_responses_break_in_their_own_words(client: Client, replica: Simulator) -> None:
    replica.fault("cut", after_events=6)
    body = {"model": "tiny", "input": "Hello", "max_output_tokens": 8, "stream": True}
    answer = client.http.post("/v1/responses", json=body)
    *before, last = answer.text.strip().split("\n\n")
    name, data = last.split("\n")
    assert name == "event: error"
    error = json.loads(data.removeprefix("data: "))
    assert (error["type"], error["code"], error["sequence_number"]) == ("error", "stream_broken", len(before))
    assert "response.completed" not in answer.text


def test_the_total_limit_ends_a_stream_that_is_alive(client: Client, replica: Simulator) -> None:
    replica.fault("slow", factor=400)  # 80 ms a token: never silent for long
    text = client.chat(stream=True, max_tokens=60).text
    assert last_error(text)["code"] == "upstream_timeout"
    assert len(events(text)) > 10


def test_a_stream_may_be_asked_for_again_on_its_connection(client: Client, replica: Simulator) -> None:
    """A broken stream ends its response properly, so that the client's connection lives on."""
    replica.fault("cut", count=1)
    first = client.chat(stream=True)
    assert last_error(first.text)
    second = client.http.post(CHAT, json={"model": "tiny", "messages": HELLO, "max_tokens": 2})
    assert second.status_code == 503  # the breaker is open: it was the same gateway that answered
    ports = [answer.extensions["network_stream"].get_extra_info("client_addr") for answer in (first, second)]
    assert ports[0] == ports[1]
