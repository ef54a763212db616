"""Dollars and turns as callers and operators meet them, over two instances and one Redis."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.gateway import Gateway
from tests.servers import RedisServer, Simulator
from tests.talk import CHAT, HELLO, Client, code_of, until

OPERATOR = "sk-operator-1"
PRICE = {"input_per_million_usd": 1000.0, "output_per_million_usd": 1000.0}
"""A tenth of a cent for a token."""
ANSWER = 8
"""Tokens that an answer has."""


class Site:
    """Two instances over one replica and one cloud."""

    def __init__(self, ends: ExitStack, redis: RedisServer, folder: Path, budget: dict[str, float]) -> None:
        self.replica = ends.enter_context(Simulator("--speed", "100"))
        self.cloud = ends.enter_context(
            Simulator("--role", "cloud", "--speed", "100", "--api-key", "sk-cloud", "--model", "gpt-4o-mini")
        )
        fallback = [{"cloud": "openai", "model": "gpt-4o-mini"}]
        replicas = [{"url": self.replica.url, "id": "gpu-1", "usd_per_hour": 1.25}]
        settings = {
            "models": [{"name": "tiny", "replicas": replicas, "fallback": fallback, "price": PRICE}],
            "clouds": {"openai": {"base_url": f"{self.cloud.url}/v1", "api_key_env": "CLOUD_KEY"}},
            "breaker": {"fail_max": 1, "reset_s": 60, "reset_max_s": 60},
            "operator_keys": [f"ops={OPERATOR}"],
            "callers": "redis",
            "redis_url": redis.url,
            "fallback_budget": budget,
            "watch": {"interval_s": 600},
        }
        self.gateways = []
        for at in range(2):
            (folder / str(at)).mkdir(parents=True)
            gateway = Gateway(folder / str(at), settings, env={"CLOUD_KEY": "sk-cloud"})
            self.gateways.append(ends.enter_context(gateway))
        self._ends = ends
        self.operator = ends.enter_context(Client(self.gateways[0].url, OPERATOR)).http

    def caller(self, name: str, **fields: Any) -> list[Client]:
        """A client of each instance, with the key of a new caller that each of them knows."""
        key = self.operator.post("/admin/keys", json={"name": name, **fields}).json()["key"]
        clients = [self._ends.enter_context(Client(gateway.url, key)) for gateway in self.gateways]
        for client in clients:
            until(lambda client=client: client.http.get("/v1/models").status_code == 200)
        return clients

    def gauge(self, at: int, name: str) -> float:
        text = httpx.get(f"{self.gateways[at].url}/metrics").text
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        assert found, name
        return float(found[1])

    def paid(self) -> float:
        """What the clouds were paid, as the log tells."""
        lines = [line for gateway in self.gateways for line in gateway.requests()]
        return float(sum(line["cost_usd"] for line in lines))


def a_site(ends: ExitStack, redis: str, folder: Path, **budget: float) -> Site:
    server = RedisServer(redis, folder)
    ends.callback(server.kill)
    server.start()
    return Site(ends, server, folder, budget)


@pytest.fixture
def site(require: Callable[[str], str], tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as ends:
        yield a_site(ends, require("redis-server"), tmp_path, usd_per_day=1.0, usd_per_month=100.0)


def test_clouds_are_not_paid_more_than_they_may(site: Site) -> None:
    clients = site.caller("shop")
    critical, *_ = site.caller("payroll", critical=True)
    assert site.gauge(1, 'penstock_fallback_left_usd{period="day"}') == 1.0
    assert site.gauge(0, 'penstock_pool_usd_per_hour{model="tiny"}') == 1.25
    site.replica.fault("status", status=500)

    def ask(at: int) -> httpx.Response:
        return clients[at % 2].chat(max_tokens=ANSWER)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(60)))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {(answer.status_code, code_of(answer)) for answer in refused} == {(503, "fallback_budget_exhausted")}
    assert int(refused[-1].headers["retry-after"]) >= 1

    def nearly_all_is_spent() -> bool:  # what was reserved and not used comes back in a moment
        return ask(0).status_code == 503 and site.paid() > 0.9

    until(nearly_all_is_spent, 20)
    assert site.paid() <= 1.0, "nothing is spent beyond it"
    until(lambda: site.gauge(1, 'penstock_fallback_left_usd{period="day"}') < 0.25, 15)
    assert site.gauge(1, 'penstock_fallback_left_usd{period="month"}') == pytest.approx(100 - site.paid(), abs=2)

    assert critical.chat(max_tokens=ANSWER).headers["x-penstock-target"] == "openai"
    site.replica.clear()
    for gateway in site.gateways:
        httpx.post(f"{gateway.url}/admin/targets/gpu-1/breaker/reset", headers={"authorization": f"Bearer {OPERATOR}"})
    assert ask(0).headers["x-penstock-target"] == "gpu-1", "the pool goes on"


def test_a_stream_that_is_cut_at_a_cloud_is_paid_for(site: Site) -> None:
    client, *_ = site.caller("streams")
    site.replica.fault("status", status=500)
    site.cloud.fault("cut", after_events=5)
    client.chat(max_tokens=400, stream=True)
    site.gateways[0].wait_for(lambda line: line.get("caller") == "streams" and line.get("stream") is True)
    line = site.gateways[0].requests()[-1]
    assert line["input_tokens"] > 10, "by the request's size"
    assert line["cost_usd"] == pytest.approx((line["input_tokens"] + line["output_tokens"]) / 1000)


def test_a_cloud_whose_client_has_left_is_paid_too(site: Site) -> None:
    client, *_ = site.caller("leaver")
    site.replica.fault("status", status=500)
    site.cloud.fault("slow", factor=1, seconds=20)
    with pytest.raises(httpx.ReadTimeout):
        client.http.post(CHAT, json={"model": "tiny", "messages": HELLO, "max_tokens": 500}, timeout=1)
    site.gateways[0].wait_for(lambda line: line.get("caller") == "leaver" and line.get("outcome") == "client_gone")
    assert site.gauge(0, 'penstock_fallback_left_usd{period="day"}') < 0.5


def test_a_caller_s_dollars_are_its_own_and_count_whoever_answers(site: Site) -> None:
    clients = site.caller("small", dollars_per_day=0.5)
    other, *_ = site.caller("other")
    answers = [clients[at % 2].chat(max_tokens=ANSWER) for at in range(40)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {(answer.status_code, code_of(answer)) for answer in refused} == {(429, "insufficient_quota")}
    assert refused[0].json()["error"]["type"] == "insufficient_quota"
    assert 0 < int(refused[0].headers["retry-after"]) <= 86_400
    spent = sum(answer.json()["usage"]["total_tokens"] for answer in answers if answer.status_code == 200) / 1000
    assert 0.35 < spent <= 0.5
    assert other.chat(max_tokens=ANSWER).status_code == 200


def test_who_waits_is_seen_and_a_cloud_answers_for_whom_there_is_no_place(
    require: Callable[[str], str], tmp_path: Path
) -> None:
    with ExitStack() as ends:
        site = a_site(ends, require("redis-server"), tmp_path)
        gateway = site.gateways[0]
        text = gateway.config.read_text().replace("price:", "queueing: {parallel: 1, waiting: 1, wait_s: 30}\n  price:")
        gateway.config.write_text(text)
        gateway.reload()
        gateway.wait_for(lambda line: line["event"] == "reloaded")
        (cloudy, _), (bound, _) = site.caller("cloudy", priority="low"), site.caller("bound", fallback=False)
        site.replica.fault("slow", factor=1, seconds=3)
        with ThreadPoolExecutor(4) as pool:
            first = pool.submit(bound.chat, max_tokens=ANSWER)
            until(lambda: site.replica.state()["requests"].get("/v1/chat/completions") == 1)
            second = pool.submit(bound.chat, max_tokens=ANSWER)
            until(lambda: site.gauge(0, 'penstock_queued{model="tiny"}') == 1)
            refused = bound.chat(max_tokens=ANSWER)
            assert (refused.status_code, code_of(refused)) == (503, "overloaded")
            assert int(refused.headers["retry-after"]) >= 1
            assert cloudy.chat(max_tokens=ANSWER).headers["x-penstock-target"] == "openai"
            assert [first.result().status_code, second.result().status_code] == [200, 200]
        gateway.wait_for(lambda line: line.get("queued_s", 0) > 0.1 and line["status"] == 200)
        assert gateway.wait_for(lambda line: line.get("code") == "overloaded")["outcome"] == "busy"
        assert site.gauge(0, 'penstock_queued{model="tiny"}') == 0
