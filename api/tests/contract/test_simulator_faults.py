"""Every fault of the simulator, seen by a client."""

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson
import pytest
from tests.servers import Simulator

CHAT = "/v1/chat/completions"
BODY = {"messages": [{"role": "user", "content": "hello world"}], "max_tokens": 6}
SOON = httpx.Timeout(5, read=0.3)


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    with Simulator("--speed", "100") as simulator:
        yield simulator


@pytest.fixture
def simulator(shared: Simulator) -> Iterator[Simulator]:
    yield shared
    shared.clear()


def post(simulator: Simulator, stream: bool = False, **options: Any) -> httpx.Response:
    return httpx.post(simulator.url + CHAT, json={**BODY, "stream": stream}, **options)


def data(text: str) -> list[str]:
    """The events of a stream, without the comments."""
    return [block.removeprefix("data: ") for block in text.split("\n\n") if block.startswith("data: ")]


def received(simulator: Simulator) -> tuple[list[str], type[Exception] | None]:
    """The events of a stream up to its end, however it ends, and the error that it ends with."""
    text, error = "", None
    with httpx.stream("POST", simulator.url + CHAT, json={**BODY, "stream": True}, timeout=SOON) as answer:
        try:
            for part in answer.iter_text():
                text += part
        except httpx.TransportError as failure:
            error = type(failure)
    return data(text), error


def test_cut_closes_the_connection_after_so_many_events(simulator: Simulator) -> None:
    simulator.fault("cut", after_events=2)
    events, error = received(simulator)
    assert (len(events), error) == (2, httpx.RemoteProtocolError)


def test_cut_halves_an_answer_in_one_piece(simulator: Simulator) -> None:
    simulator.fault("cut")
    with pytest.raises(httpx.RemoteProtocolError):
        post(simulator)


@pytest.mark.parametrize(("kind", "events"), [("stall", 3), ("silent", 0)])
def test_a_stream_goes_silent(simulator: Simulator, kind: str, events: int) -> None:
    simulator.fault(kind)
    seen, error = received(simulator)
    assert (len(seen), error) == (events, httpx.ReadTimeout)


def test_hang_sends_no_headers(simulator: Simulator) -> None:
    simulator.fault("hang")
    with pytest.raises(httpx.ReadTimeout):
        post(simulator, stream=True, timeout=SOON)


def test_keep_alive_comments_come_while_a_stream_is_silent(simulator: Simulator) -> None:
    simulator.fault("silent")
    simulator.fault("keepalive", seconds=0.02)
    with httpx.stream("POST", simulator.url + CHAT, json={**BODY, "stream": True}) as answer:
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(4)] == [": keep-alive", "", ": keep-alive", ""]


def test_reset_comes_before_any_byte(simulator: Simulator) -> None:
    simulator.fault("reset")
    with pytest.raises(httpx.ReadError, match="reset"):
        post(simulator)


def test_refuse_closes_the_port_until_it_is_cleared(simulator: Simulator) -> None:
    with httpx.Client() as client:
        assert client.get(f"{simulator.url}/health").status_code == 200
        simulator.fault("refuse")
        with pytest.raises(httpx.TransportError):  # the connection that was kept alive
            client.get(f"{simulator.url}/health")
    with pytest.raises(httpx.ConnectError):
        post(simulator)
    simulator.clear()
    assert post(simulator).status_code == 200


def test_malformed_breaks_one_event_and_goes_on(simulator: Simulator) -> None:
    simulator.fault("malformed", after_events=2)
    events, _ = received(simulator)
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(events.pop(2))
    assert events.pop() == "[DONE]"
    assert all(orjson.loads(event) for event in events)


def test_no_done_ends_after_the_finish_reason(simulator: Simulator) -> None:
    simulator.fault("no_done")
    events, error = received(simulator)
    assert orjson.loads(events[-1])["choices"][0]["finish_reason"] == "length"
    assert error is None


def test_no_finish_ends_cleanly_without_a_finish_reason(simulator: Simulator) -> None:
    simulator.fault("no_finish")
    events, error = received(simulator)
    assert {orjson.loads(event)["choices"][0]["finish_reason"] for event in events} == {None}
    assert error is None


@pytest.mark.parametrize("after", [0, 2])
def test_an_error_event_is_followed_by_done(simulator: Simulator, after: int) -> None:
    simulator.fault("error_event", after_events=after)
    events, _ = received(simulator)
    assert len(events) == after + 2
    assert orjson.loads(events[-2])["error"]["code"] == 500
    assert events[-1] == "[DONE]"
    assert post(simulator).status_code == 500


def test_an_error_event_may_say_that_the_engine_is_busy(simulator: Simulator) -> None:
    simulator.fault("error_event", status=503)
    events, _ = received(simulator)
    assert orjson.loads(events[0])["error"]["type"] == "Service Unavailable"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_a_status_has_an_error_of_its_code(simulator: Simulator, status: int) -> None:
    simulator.fault("status", status=status)
    answer = post(simulator, stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)
    assert not {"retry-after", "retry-after-ms"} & set(answer.headers)


def test_retry_after_has_three_spellings(simulator: Simulator) -> None:
    told = {}
    for spelling in ("seconds", "date", "ms"):
        simulator.clear()
        simulator.fault("status", status=429, retry_after=1.5, retry_after_as=spelling)
        told[spelling] = post(simulator).headers
    assert told["seconds"]["retry-after"] == "2"
    assert told["ms"]["retry-after-ms"] == "1500"
    assert 0 < parsedate_to_datetime(told["date"]["retry-after"]).timestamp() - time.time() + 1 < 3


def test_503_is_busy_or_plain(simulator: Simulator) -> None:
    simulator.fault("status", status=503, count=1)
    assert "currently busy" in post(simulator).text
    simulator.fault("status", status=503, shape="plain")
    assert "currently busy" not in post(simulator).text


def test_html_comes_with_200(simulator: Simulator) -> None:
    simulator.fault("html200")
    answer = post(simulator)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_slow_is_slower_by_its_factor(simulator: Simulator) -> None:
    began = time.monotonic()
    post(simulator)
    usual = time.monotonic() - began
    simulator.fault("slow", factor=100)  # 5 gaps of 0.2 ms each, times a hundred
    post(simulator)
    assert time.monotonic() - began - usual >= 0.1


def test_a_fault_strikes_as_often_as_it_may(simulator: Simulator) -> None:
    simulator.fault("status", status=500, count=2)
    assert [post(simulator).status_code for _ in range(3)] == [500, 500, 200]
    assert simulator.state()["faults"] == []


def test_each_request_draws_and_the_seed_decides(simulator: Simulator) -> None:
    def drawn(seed: int) -> list[int]:
        simulator.clear()
        simulator.fault("status", status=500, probability=0.5, seed=seed)
        return [post(simulator).status_code for _ in range(12)]

    assert drawn(1) == drawn(1)
    assert {200, 500} == set(drawn(1))


def test_a_fault_can_be_set_on_another_route(simulator: Simulator) -> None:
    simulator.fault("status", status=500, path="/health")
    assert httpx.get(f"{simulator.url}/health").status_code == 500
    assert post(simulator).status_code == 200


def test_a_fault_that_is_none_is_refused(simulator: Simulator) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        simulator.fault("gremlins")
    with pytest.raises(httpx.HTTPStatusError):
        simulator.fault("cut", after_event=1)


@pytest.mark.parametrize(
    "slip",
    [
        {"messages": ["hi"]},
        {"messages": [{"role": "user", "content": 7}]},
        {"tools": [{"type": "function"}], "tool_choice": "required"},
        {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": {"type": "function"}},
        {"stop": 5},
        {"response_format": {"type": "json_schema", "json_schema": "no"}},
        {"structured_outputs": {"choice": []}},
    ],
)
def test_a_slip_deep_in_a_body_is_the_clients(simulator: Simulator, slip: dict[str, Any]) -> None:
    answer = httpx.post(simulator.url + CHAT, json={**BODY, **slip})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 400)


def test_faults_can_be_given_by_flag() -> None:
    with Simulator("--fault", "status,status=429,retry_after=7,count=1") as simulator:
        assert post(simulator).headers["retry-after"] == "7"
        assert post(simulator).status_code == 200


def test_leave_ends_the_process_as_sigterm_does() -> None:
    with Simulator() as simulator:
        simulator.fault("leave")
        assert simulator.wait() == 0


def test_a_frozen_process_answers_after_it_is_thawed(simulator: Simulator) -> None:
    simulator.freeze()
    with pytest.raises(httpx.ReadTimeout):
        post(simulator, timeout=SOON)
    simulator.thaw()
    assert post(simulator).status_code == 200


def test_babble_heeds_no_form(simulator: Simulator) -> None:
    simulator.fault("babble")
    asked = {**BODY, "response_format": {"type": "json_object"}, "max_tokens": 200}
    text = httpx.post(simulator.url + CHAT, json=asked).json()["choices"][0]["message"]["content"]
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(text)


def test_brief_cuts_an_answer_short(simulator: Simulator) -> None:
    simulator.fault("brief", after_events=2)
    answer = post(simulator).json()
    assert (answer["choices"][0]["finish_reason"], answer["usage"]["completion_tokens"]) == ("length", 2)
