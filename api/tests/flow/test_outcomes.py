"""What can happen at a target before its answer: who is asked next, what the client hears, what the breaker hears.

The breakers here open at the first failure, so that a look at one tells what it heard.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from tests.gateway import Gateway
from tests.servers import Simulator
from tests.talk import Client, code_of, events, told

WHOLE, STREAM = False, True
TIMEOUTS = {"first_event_s": 0.3, "between_events_s": 0.3, "token_s": 0.01, "total_s": 5}


class Row(NamedTuple):
    """A fault, and what it comes to where there is no other target. `told`: what the client hears, `next`: who answers
    where there is one, `breaker`: where the fault leaves it."""

    fault: dict[str, Any]
    told: tuple[int, str]
    breaker: str
    goes_on: bool
    ways: tuple[bool, ...] = (WHOLE, STREAM)


def status(number: int, **more: Any) -> dict[str, Any]:
    return {"kind": "status", "status": number, **more}


UNREACHABLE, ERROR = (502, "upstream_unreachable"), (502, "upstream_error")
TIMEOUT, KEY, BUSY = (504, "upstream_timeout"), (502, "upstream_key_refused"), (429, "upstream_busy")

ROWS = {
    "refused": Row({"kind": "refuse"}, UNREACHABLE, "open", True),
    "reset": Row({"kind": "reset"}, UNREACHABLE, "open", True),
    "500": Row(status(500), ERROR, "open", True),
    "502": Row(status(502), ERROR, "open", True),
    "plain_503": Row(status(503, shape="plain"), ERROR, "open", True),
    "html": Row({"kind": "html200"}, ERROR, "open", True),
    "error_event_first": Row({"kind": "error_event"}, ERROR, "open", True),
    "no_finish_at_all": Row({"kind": "cut", "after_events": 0}, ERROR, "open", True),
    "cut_in_a_body": Row({"kind": "cut"}, ERROR, "open", True, (WHOLE,)),
    "half_a_body": Row({"kind": "malformed"}, ERROR, "open", True, (WHOLE,)),
    "stalled_body": Row({"kind": "stall"}, TIMEOUT, "open", True, (WHOLE,)),
    "hang": Row({"kind": "hang"}, TIMEOUT, "open", True),
    "silent": Row({"kind": "silent"}, TIMEOUT, "open", True),
    "429": Row(status(429), BUSY, "closed", True),
    "busy_503": Row(status(503), BUSY, "closed", True),
    "busy_event_first": Row({"kind": "error_event", "status": 503}, BUSY, "closed", True, (STREAM,)),
    "refusal_event_first": Row({"kind": "error_event", "status": 400}, (400, "target_refused"), "closed", False),
    "401": Row(status(401), KEY, "open", True),
    "403": Row(status(403), KEY, "open", True),
    "400": Row(status(400), (400, "target_refused"), "closed", False),
    "404": Row(status(404), (404, "not_found"), "closed", False),
    "413": Row(status(413), (413, "target_refused"), "closed", False),
    "422": Row(status(422), (422, "target_refused"), "closed", False),
    "without_a_name": Row(status(420), (420, "target_refused"), "closed", False),
}
EACH = pytest.mark.parametrize(
    ("row", "stream"),
    [
        pytest.param(row, stream, id=f"{name}-{'stream' if stream else 'whole'}")
        for name, row in ROWS.items()
        for stream in row.ways
    ],
)


@pytest.fixture(scope="module")
def simulators() -> Iterator[dict[str, Simulator]]:
    with Simulator("--speed", "100") as one, Simulator("--speed", "100") as two:
        yield {"a": one, "b": two}


@pytest.fixture(scope="module")
def gateway(simulators: dict[str, Simulator], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    a, b = ({"url": simulators[name].url, "id": name} for name in "ab")
    settings = {
        "models": [
            {"name": "pair", "served_as": "tiny", "replicas": [a | {"weight": 1000}, b], "timeouts": TIMEOUTS},
            {"name": "alone", "served_as": "tiny", "replicas": [a], "timeouts": TIMEOUTS},
        ],
        "breaker": {"fail_max": 1, "reset_s": 60, "reset_max_s": 60},
        "retry": {"floor": 100_000, "backoff_s": 0.001},
        "watch": {"interval_s": 600},
    }
    with Gateway(tmp_path_factory.mktemp("gateway"), settings) as process:
        yield process


@pytest.fixture(scope="module")
def shared(gateway: Gateway) -> Iterator[Client]:
    with Client(gateway.url) as client:
        yield client


@pytest.fixture
def client(shared: Client, simulators: dict[str, Simulator]) -> Iterator[Client]:
    """All is well again after each test."""
    yield shared
    for name, simulator in simulators.items():
        simulator.clear()
        shared.http.post(f"/admin/targets/{name}/breaker/reset")


def breaker(client: Client, name: str = "a") -> str:
    return str(client.targets()[name]["breaker"])


def is_whole(answer: httpx.Response, stream: bool) -> bool:
    if stream:
        return events(answer.text)[-1] == "[DONE]" and bool(told(answer.text))
    return bool(answer.json()["choices"][0]["message"]["content"])


@EACH
def test_where_there_is_no_other_target(
    client: Client, simulators: dict[str, Simulator], row: Row, stream: bool
) -> None:
    simulators["a"].fault(**row.fault)
    answer = client.chat("alone", stream=stream)
    assert (answer.status_code, code_of(answer)) == row.told
    assert answer.headers["content-type"] == "application/json"
    assert breaker(client) == row.breaker
    assert client.in_flight() == 0


@EACH
def test_where_there_is_another(client: Client, simulators: dict[str, Simulator], row: Row, stream: bool) -> None:
    simulators["a"].fault(**row.fault)
    answer = client.chat("pair", stream=stream)
    if row.goes_on:
        assert (answer.status_code, answer.headers["x-penstock-target"]) == (200, "b")
        assert answer.headers["x-penstock-attempts"] == "2"
        assert is_whole(answer, stream)
    else:
        assert (answer.status_code, code_of(answer)) == row.told
    assert (breaker(client), breaker(client, "b")) == (row.breaker, "closed")


@pytest.mark.parametrize("stream", [WHOLE, STREAM])
def test_an_open_breaker_sends_calls_elsewhere_at_once(
    client: Client, simulators: dict[str, Simulator], stream: bool
) -> None:
    simulators["a"].fault("status", status=500)
    client.chat("pair", stream=stream)
    seen = simulators["a"].state()["requests"]
    answer = client.chat("pair", stream=stream)
    assert (answer.headers["x-penstock-target"], answer.headers["x-penstock-attempts"]) == ("b", "1")
    assert simulators["a"].state()["requests"] == seen


def test_where_every_breaker_is_open(client: Client, simulators: dict[str, Simulator]) -> None:
    simulators["a"].fault("status", status=500)
    client.chat("alone")
    answer = client.chat("alone")
    assert (answer.status_code, code_of(answer)) == (503, "no_target_available")
    assert 50 < int(answer.headers["retry-after"]) <= 60


@pytest.mark.parametrize("spelling", ["seconds", "date", "ms"])
def test_all_busy_tells_the_longest_wait(client: Client, simulators: dict[str, Simulator], spelling: str) -> None:
    simulators["a"].fault("status", status=429, retry_after=7, retry_after_as=spelling)
    simulators["b"].fault("status", status=429, retry_after=3)
    for stream in (WHOLE, STREAM) * 20:
        answer = client.chat("pair", stream=stream)
        assert (answer.status_code, code_of(answer)) == (429, "upstream_busy")
        assert answer.headers["retry-after"] in (("6", "7") if spelling == "date" else ("7",))
    assert {breaker(client, name) for name in "ab"} == {"closed"}


def test_a_context_that_is_too_long_is_the_clients_doing(client: Client, simulators: dict[str, Simulator]) -> None:
    before = simulators["b"].state()["requests"]
    for stream in (WHOLE, STREAM) * 10:
        answer = client.chat("pair", stream=stream, messages=[{"role": "user", "content": "long " * 9000}])
        assert (answer.status_code, code_of(answer)) == (400, "context_length_exceeded")
    assert breaker(client) == "closed"
    assert simulators["b"].state()["requests"] == before
