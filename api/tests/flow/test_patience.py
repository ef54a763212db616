"""How long a call waits, for what, and how little a connection that went stale costs it."""

from collections.abc import Iterator

import pytest
from tests.gateway import Gateway
from tests.servers import Simulator
from tests.talk import Client, code_of

TIMEOUTS = {"first_event_s": 0.3, "token_s": 0.01, "total_s": 5}


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


def breaker(client: Client) -> str:
    return str(client.targets()["a"]["breaker"])


@pytest.mark.parametrize("stream", [False, True])
def test_a_kept_connection_that_went_stale_costs_nothing(
    client: Client, simulators: dict[str, Simulator], stream: bool
) -> None:
    client.chat("alone")
    simulators["a"].fault("reset", count=1)
    answer = client.chat("alone", stream=stream)
    assert (answer.status_code, answer.headers["x-penstock-attempts"]) == (200, "1")
    assert breaker(client) == "closed"


def test_comments_are_no_event(client: Client, simulators: dict[str, Simulator]) -> None:
    simulators["a"].fault("keepalive", seconds=0.05)
    simulators["a"].fault("silent", count=1)
    answer = client.chat("alone", stream=True)
    assert (answer.status_code, code_of(answer)) == (504, "upstream_timeout")


def test_an_error_after_comments_still_has_its_status(client: Client, simulators: dict[str, Simulator]) -> None:
    simulators["a"].fault("keepalive", seconds=0.01)
    simulators["a"].fault("error_event")
    answer = client.chat("alone", stream=True)
    assert (answer.status_code, code_of(answer)) == (502, "upstream_error")


def test_each_attempt_has_what_is_left_of_the_time(client: Client, simulators: dict[str, Simulator]) -> None:
    simulators["a"].fault("hang")
    client.chat("pair", stream=True)
    given, left = (int(simulators[name].state()["last"]["headers"]["x-penstock-timeout-ms"]) for name in "ab")
    assert 4900 <= given <= 5000
    assert left <= given - 290


def test_a_long_answer_may_take_as_long_as_its_tokens(client: Client, simulators: dict[str, Simulator]) -> None:
    """One that is not streamed has no first event to wait for; the limit grows with max_tokens."""
    simulators["a"].fault("slow", seconds=0.5)
    answer = client.chat("alone", max_tokens=60)
    assert answer.status_code == 200
    assert breaker(client) == "closed"
