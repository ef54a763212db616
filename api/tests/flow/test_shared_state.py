"""Instances that share a Redis tell each other what they found, and lose nothing when it is away."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from tests.gateway import Gateway, Line, one_model
from tests.servers import RedisServer, Simulator
from tests.talk import Client, until


@pytest.fixture(scope="module")
def simulators() -> Iterator[list[Simulator]]:
    with Simulator("--speed", "100") as one, Simulator("--speed", "100") as two:
        yield [one, two]


@pytest.fixture(scope="module")
def redis(require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(require("redis-server"), tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def gateways(
    redis: RedisServer, simulators: list[Simulator], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, Gateway]]:
    settings = one_model(
        [each.url for each in simulators],
        redis_url=redis.url,
        breaker={"fail_max": 1, "reset_s": 1.0, "reset_max_s": 1.0},
        watch={"interval_s": 0.5},
    )
    one, two = (tmp_path_factory.mktemp("gateway") for _ in range(2))
    with Gateway(one, settings) as first, Gateway(two, settings) as second:
        yield first, second


@pytest.fixture
def pair(gateways: tuple[Gateway, Gateway], simulators: list[Simulator]) -> Iterator[tuple[Gateway, Gateway]]:
    """At the start of each test there is nothing to tell."""
    for gateway in gateways:
        gateway.lines.clear()
    yield gateways
    for simulator in simulators:
        simulator.clear()
    with clients(gateways) as (one, two):
        for name in one.targets():
            one.http.post(f"/admin/targets/{name}/undrain")
        for client in (one, two):
            until(lambda: client.samples()["penstock_store_up"] == 1)  # noqa: B023  # called at once
            until(lambda: not any(card["drained"] for card in client.targets().values()))  # noqa: B023


@contextmanager
def clients(pair: tuple[Gateway, Gateway]) -> Iterator[tuple[Client, Client]]:
    with Client(pair[0].url) as one, Client(pair[1].url) as two:
        yield one, two


def moves(gateway: Gateway) -> list[Line]:
    return [line for line in tuple(gateway.lines) if line["event"] == "store moved"]


@contextmanager
def traffic(pair: tuple[Gateway, Gateway]) -> Iterator[list[tuple[int, float]]]:
    """Requests to both, one after another, until the block ends: each one's status and seconds."""
    answers: list[tuple[int, float]] = []
    over = threading.Event()

    def run(gateway: Gateway) -> None:
        with Client(gateway.url) as client:
            while not over.is_set():
                began = time.monotonic()
                status = client.chat(max_tokens=2).status_code
                answers.append((status, time.monotonic() - began))

    threads = [threading.Thread(target=run, args=(gateway,)) for gateway in pair]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_drain_reaches_the_other(pair: tuple[Gateway, Gateway], simulators: list[Simulator]) -> None:
    name = f"127.0.0.1:{simulators[0].port}"

    def seconds(action: str, drained: bool) -> float:
        began = time.monotonic()
        one.http.post(f"/admin/targets/{name}/{action}")
        until(lambda: two.targets()[name]["drained"] is drained)
        return time.monotonic() - began

    with clients(pair) as (one, two):
        times = [(seconds("drain", True), seconds("undrain", False)) for _ in range(3)]
    assert min(drain for drain, _ in times) < 1.0  # the machine may be busy with other things
    assert min(undrain for _, undrain in times) < 1.0


def test_an_instance_that_comes_later_hears_of_a_drain(
    pair: tuple[Gateway, Gateway], simulators: list[Simulator], tmp_path: Path
) -> None:
    name = f"127.0.0.1:{simulators[0].port}"
    with clients(pair) as (one, two):
        one.http.post(f"/admin/targets/{name}/drain")
        until(lambda: two.targets()[name]["drained"])
    settings = yaml.safe_load(pair[0].config.read_text())
    with Gateway(tmp_path, settings) as third, Client(third.url) as client:
        until(lambda: client.targets()[name]["drained"])


def test_a_breaker_that_opens_opens_the_others(pair: tuple[Gateway, Gateway], simulators: list[Simulator]) -> None:
    name = f"127.0.0.1:{simulators[0].port}"
    simulators[0].fault("status", status=500)
    with clients(pair) as (one, two):
        until(lambda: breaker_after_a_call(one, name) == "open")
        until(lambda: two.targets()[name]["breaker"] == "open")
        simulators[0].clear()
        # Each comes back by a probe, its own or the other's.
        until(lambda: {breaker_after_a_call(each, name) for each in (one, two)} == {"closed"}, 10)


def breaker_after_a_call(client: Client, name: str) -> str:
    client.chat(max_tokens=1)
    return str(client.targets()[name]["breaker"])


@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_redis_away_is_noticed_by_the_log_alone(pair: tuple[Gateway, Gateway], redis: RedisServer, how: str) -> None:
    with clients(pair) as (one, two), traffic(pair) as answers:
        up = "penstock_store_up"
        assert one.samples()[up] == two.samples()[up] == 1
        redis.kill() if how == "kill" else redis.freeze()
        until(lambda: one.samples()[up] == two.samples()[up] == 0)
        went = len(answers)
        until(lambda: len(answers) > went + 40)
        redis.start() if how == "kill" else redis.thaw()
        until(lambda: one.samples()[up] == two.samples()[up] == 1)
        back = len(answers)
        until(lambda: len(answers) > back + 20)
    assert {status for status, _ in answers} == {200}
    for gateway in pair:
        gateway.wait_for(lambda line: line["event"] == "store moved" and line["up"])
        assert [line["up"] for line in moves(gateway)] == [False, True]
        assert all(line["why"] for line in moves(gateway))
        assert not gateway.stray


def test_what_was_said_meanwhile_is_told_on_return(
    pair: tuple[Gateway, Gateway], simulators: list[Simulator], redis: RedisServer
) -> None:
    name = f"127.0.0.1:{simulators[0].port}"
    with clients(pair) as (one, two):
        redis.kill()
        until(lambda: len(moves(pair[0])) == 1)
        one.http.post(f"/admin/targets/{name}/drain")
        until(lambda: len(moves(pair[1])) == 1)
        assert not two.targets()[name]["drained"]
        redis.start()
        until(lambda: two.targets()[name]["drained"])
        assert one.targets()[name]["drained"]


def test_a_redis_that_is_not_there_at_the_start(simulators: list[Simulator], tmp_path: Path) -> None:
    settings = one_model([simulators[0].url], redis_url="redis://127.0.0.1:9/0")
    with Gateway(tmp_path, settings) as gateway, Client(gateway.url) as client:
        assert client.chat().status_code == 200
        until(lambda: client.samples()["penstock_store_up"] == 0)
        assert [line["up"] for line in moves(gateway)] == [False]
        assert client.http.get("/health/ready").status_code == 200
