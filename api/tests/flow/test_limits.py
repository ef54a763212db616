"""Limits as callers meet them, over several instances and one Redis."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from tests.figures import Figures
from tests.gateway import Gateway, one_model
from tests.servers import RedisServer, Simulator
from tests.talk import CHAT, HELLO, Client, code_of, until

OPERATOR = "sk-operator-1"


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "100") as simulator:
        yield simulator


class Site:
    """Instances that share a Redis, in which callers are too."""

    def __init__(self, stack: ExitStack, replica: Simulator, redis: RedisServer, folder: Path, instances: int) -> None:
        settings = one_model([replica.url], operator_keys=[f"ops={OPERATOR}"], callers="redis", redis_url=redis.url)
        self.gateways = []
        for at in range(instances):
            (folder / str(at)).mkdir()
            self.gateways.append(stack.enter_context(Gateway(folder / str(at), settings)))
        self._stack = stack
        self.operator = stack.enter_context(Client(self.gateways[0].url, OPERATOR)).http

    def caller(self, name: str, **fields: Any) -> list[Client]:
        """A client of each instance, with the key of a new caller that each of them knows."""
        key = self.operator.post("/admin/keys", json={"name": name, **fields}).json()["key"]
        clients = [self._stack.enter_context(Client(gateway.url, key)) for gateway in self.gateways]
        for client in clients:
            until(lambda client=client: client.http.get("/v1/models").status_code == 200)
        return clients


@pytest.fixture(scope="module")
def site(replica: Simulator, require: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    server = RedisServer(require("redis-server"), tmp_path_factory.mktemp("redis"))
    with ExitStack() as stack:
        stack.callback(server.kill)
        server.start()
        yield Site(stack, replica, server, tmp_path_factory.mktemp("site"), 3)


@pytest.fixture
def frail_site(replica: Simulator, redis_server: RedisServer, tmp_path: Path) -> Iterator[Site]:
    """One that is not needed afterwards."""
    with ExitStack() as stack:
        yield Site(stack, replica, redis_server, tmp_path, 3)


def test_who_asks_too_often_is_told_when_to_come_again(site: Site) -> None:
    client, *_ = site.caller("shop", requests_per_minute=3, tokens_per_minute=9000)
    answers = [client.chat() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers] == ["2", "1", "0", "0"]
    refused = answers[-1]
    assert code_of(refused) == "rate_limit_exceeded"
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert 1 <= int(refused.headers["retry-after"]) <= 62
    assert refused.headers["x-ratelimit-limit-requests"] == "3"
    assert 0 < float(refused.headers["x-ratelimit-reset-requests"].removesuffix("s")) <= 62
    assert refused.headers["x-ratelimit-limit-tokens"] == "9000"
    line = site.gateways[0].wait_for(lambda line: line.get("status") == 429)
    assert (line["caller"], line["outcome"], line["attempts"]) == ("shop", "refused", 0)


def test_what_never_fits_is_refused_for_good(site: Site) -> None:
    client, *_ = site.caller("small", tokens_per_minute=100)
    refused = client.chat(max_tokens=100)
    assert (refused.status_code, code_of(refused)) == (400, "request_over_limit")
    assert "retry-after" not in refused.headers
    assert client.chat(max_tokens=8).status_code == 200


def test_tokens_that_were_not_used_come_back(site: Site) -> None:
    client, *_ = site.caller("thrifty", tokens_per_minute=1000)
    body = {"model": "tiny", "messages": HELLO, "max_tokens": 800, "stop": ["."]}
    answers = [client.http.post(CHAT, json=body) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 4, "each reserves more than 800"
    used = sum(answer.json()["usage"]["total_tokens"] for answer in answers)
    last = client.chat(max_tokens=8)
    assert 1000 - used - 8 - 60 <= int(last.headers["x-ratelimit-remaining-tokens"]) <= 1000 - used - 8


def test_streams_settle_too_also_when_they_are_cut(site: Site) -> None:
    client, *_ = site.caller("streams", tokens_per_minute=5000)
    with client.streaming(max_tokens=4000) as answer:
        next(answer.iter_lines())
    gateway = site.gateways[0]
    gateway.wait_for(lambda line: line.get("caller") == "streams" and line["event"] == "request" and line["stream"])
    until(lambda: client.chat(max_tokens=900).status_code == 200)


def test_no_more_are_open_than_may_be(site: Site, replica: Simulator) -> None:
    clients = site.caller("parallel", parallel=4)
    barrier = threading.Barrier(12)

    def ask(at: int) -> httpx.Response:
        barrier.wait()
        return clients[at % 3].chat()

    replica.fault("slow", factor=1, seconds=4)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(12)))
    replica.clear()
    codes = [answer.status_code for answer in answers]
    assert codes.count(200) == 4
    assert codes.count(429) == 8
    assert {answer.headers["retry-after"] for answer in answers if answer.status_code == 429} == {"1"}
    until(lambda: all(client.chat().status_code == 200 for client in clients), 15)


def test_no_minute_holds_more_than_the_limits_over_three_instances(frail_site: Site, figures: Figures) -> None:
    """50 clients at once; one instance is killed meanwhile. PENSTOCK_LIMITS_S: for how long."""
    site, clients = frail_site, frail_site.caller("busy", requests_per_minute=100, tokens_per_minute=10_000)
    seconds = float(os.environ.get("PENSTOCK_LIMITS_S", "8"))
    stop = time.monotonic() + seconds
    taken: list[tuple[float, int]] = []

    def ask(at: int) -> None:
        while time.monotonic() < stop:
            began = time.monotonic()
            try:
                answer = clients[(at + len(taken)) % 3].chat()
            except httpx.TransportError:  # the one that was killed
                continue
            if answer.status_code == 200:
                taken.append((began, answer.json()["usage"]["total_tokens"]))
            else:
                assert code_of(answer) == "rate_limit_exceeded"
                time.sleep(0.05)

    with ThreadPoolExecutor(50) as pool:
        asking = [pool.submit(ask, at) for at in range(50)]
        time.sleep(seconds / 2)
        site.gateways[2].process.kill()
        for each in asking:
            each.result()
    minutes = [[tokens for began, tokens in taken if start <= began < start + 60] for start, _ in taken]
    figures(requests=len(taken), most_in_a_minute=max(map(len, minutes)), most_tokens=max(map(sum, minutes)))
    assert 60 < max(map(len, minutes)) <= 100 + len(site.gateways)
    assert max(map(sum, minutes)) <= 10_000


def test_without_redis_the_limit_is_shared_out(frail_site: Site, redis_server: RedisServer) -> None:
    clients = frail_site.caller("alone", requests_per_minute=9)
    with redis.Redis.from_url(redis_server.url) as store:
        known = "penstock:{instances}:ends"
        until(lambda: store.zcard(known) == 3)
        last = max(ends for _, ends in store.zrange(known, 0, -1, withscores=True))
        until(lambda: store.zcount(known, f"({last}", "inf") == 3, 15)  # each has counted again since
    redis_server.kill()
    codes = [[client.chat().status_code for _ in range(5)] for client in clients]
    assert codes == [[200, 200, 200, 429, 429]] * 3


def test_an_instance_that_ends_gives_all_of_it_back(
    replica: Simulator, redis_server: RedisServer, tmp_path: Path
) -> None:
    with ExitStack() as stack, redis.Redis.from_url(redis_server.url) as store:
        site = Site(stack, replica, redis_server, tmp_path, 1)
        (client,) = site.caller("shop", requests_per_minute=100, parallel=40)
        assert client.chat().status_code == 200
        site.gateways[0].terminate()
        site.gateways[0].wait()
        assert not store.exists("penstock:{instances}:ends", "penstock:{open:shop}:ends")
        assert [int(each) for each in store.hvals("penstock:{requests:shop}:amounts")] == [1]
