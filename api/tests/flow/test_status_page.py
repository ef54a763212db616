"""The status page and its stream, over sockets. In a browser: tests/browser."""

import base64
import hashlib
import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from penstock.surfaces import watchers
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import Client, Json, code_of, dial, everything, until

EVENTS = "/status/events"
CLIENT, OPERATOR, CLOUD_KEY = "sk-client-zanzibar", "sk-operator-zanzibar", "sk-cloud-zanzibar"
KEYS = {"api_keys": [f"shop={CLIENT}"], "operator_keys": [f"ops={OPERATOR}"]}
PROMPT = "a prompt named zanzibar"


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "100") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def gateway(replica: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = one_model([], model={"replicas": [{"url": replica.url, "id": "gpu-1"}]}, watch={"interval_s": 0.2})
    with Gateway(tmp_path_factory.mktemp("gateway"), settings) as gateway:
        yield gateway


def statuses(answer: httpx.Response) -> Iterator[Json]:
    """The events of an open stream, each a status."""
    for line in answer.iter_lines():
        if line:
            yield json.loads(line.removeprefix("data: "))


def test_the_page_is_one_file_that_may_run_its_own_script_and_nothing_else(gateway: Gateway) -> None:
    with Client(gateway.url) as client:
        answer = client.http.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(policy)
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert policy[rule] == f"'sha256-{digest}'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", answer.text)
    assert len(answer.content) < 32 * 1024


def test_the_stream_shows_what_happens(gateway: Gateway, replica: Simulator) -> None:
    with Client(gateway.url) as client, client.http.stream("GET", EVENTS) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = statuses(answer)
        first = next(told)
        assert (first["state"], first["attention"], first["store_up"], first["keyed"]) == ("ready", [], True, False)
        client.chat(max_tokens=30)
        (model,) = until(lambda: (s := next(told))["lately"]["requests_per_s"] and s["models"])
        assert model["name"] == "tiny"
        assert model["lately"]["latency_s"]["p50"] > 0
        assert model["lately"]["error_share"] == 0
        (target,) = model["targets"]
        assert (target["id"], target["up"], target["breaker"]) == ("gpu-1", True, "closed")
        assert target["engine"]["waiting"] == 0
        client.http.post("/admin/targets/gpu-1/drain")
        drained = until(lambda: (s := next(told))["attention"] and s)
        assert drained["attention"] == [{"level": "critical", "says": "tiny: nothing can answer."}]
        assert drained["incidents"][0]["says"] == "gpu-1: an operator did drain."
        client.http.post("/admin/targets/gpu-1/undrain")
        until(lambda: not next(told)["attention"])


def test_tokens_a_second_are_the_engine_s(gateway: Gateway) -> None:
    with Client(gateway.url) as client:
        for _ in range(3):
            client.chat(max_tokens=50, min_tokens=50, ignore_eos=True)
        rates = []

        def rate() -> float:
            rates.append(client.targets()["gpu-1"]["engine"]["tokens_per_s"])
            return max(rates)

        assert until(rate) > 20


def test_the_same_once_for_programs(gateway: Gateway) -> None:
    with Client(gateway.url) as client, client.http.stream("GET", EVENTS) as answer:
        assert client.http.get("/admin/status").json().keys() == next(statuses(answer)).keys()


def test_looking_is_neither_counted_nor_logged(gateway: Gateway) -> None:
    looking = {"x-request-id": "looking"}
    with Client(gateway.url) as client:
        client.http.get("/", headers=looking)
        with client.http.stream("GET", EVENTS, headers=looking) as answer:
            next(statuses(answer))
        last = client.http.get("/v1/models").headers["x-request-id"]
    until(lambda: last in (told := [line["request_id"] for line in gateway.requests()]) and "looking" not in told)


def test_watchers_are_few_and_one_that_leaves_makes_room(gateway: Gateway) -> None:
    with ExitStack() as stack:
        client = stack.enter_context(Client(gateway.url))
        watching = [stack.enter_context(client.http.stream("GET", EVENTS)) for _ in range(watchers.MOST)]
        told = [statuses(answer) for answer in watching]  # kept: one that is forgotten closes its stream
        assert all(map(next, told))
        with client.http.stream("GET", EVENTS) as refused:
            refused.read()
        assert (refused.status_code, code_of(refused)) == (429, "too_many_watchers")
        assert refused.headers["retry-after"] == "5"
        watching[0].close()

        def admitted() -> bool:
            with client.http.stream("GET", EVENTS) as answer:
                return answer.status_code == 200

        until(admitted)


def test_one_that_leaves_at_once_takes_no_place(gateway: Gateway) -> None:
    asked = f"GET {EVENTS} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
    for _ in range(2 * watchers.MOST):
        with dial(gateway.url) as connection:
            connection.sendall(asked)
    with Client(gateway.url) as client:

        def admitted() -> bool:
            with client.http.stream("GET", EVENTS) as answer:
                return answer.status_code == 200

        until(admitted)


def test_a_drain_ends_the_stream_and_does_not_wait(replica: Simulator, tmp_path: Path) -> None:
    settings = one_model([replica.url], drain_delay_s=0, drain_s=60)
    with Gateway(tmp_path, settings) as gateway, Client(gateway.url) as client:
        with client.http.stream("GET", EVENTS) as answer:
            told = statuses(answer)
            next(told)
            began = time.monotonic()
            gateway.terminate()
            *_, last = told
        assert last["state"] == "draining"
        assert last["attention"][0]["says"] == "This instance is draining: it will be gone soon."
        assert gateway.wait(10) == 0
        assert time.monotonic() - began < 5
        assert not gateway.stray


def test_one_that_comes_while_it_drains_is_told_once(replica: Simulator, tmp_path: Path) -> None:
    with Gateway(tmp_path, one_model([replica.url], drain_delay_s=2)) as gateway, Client(gateway.url) as client:
        gateway.terminate()
        gateway.wait_for(lambda line: line["event"] == "draining")
        with client.http.stream("GET", EVENTS) as answer:
            assert [each["state"] for each in statuses(answer)] == ["draining"]
        assert gateway.wait(10) == 0


def asked(gateway: Gateway, path: str, key: str = "", **headers: str) -> tuple[int, str]:
    """The status and, of a refusal, the code."""
    url = gateway.url.replace("0.0.0.0", "127.0.0.1")
    with Client(url, key) as client, client.http.stream("GET", path, headers=headers) as answer:
        if answer.status_code == 200:
            return 200, ""
        answer.read()
        return answer.status_code, code_of(answer)


PROXIED = {"x-forwarded-for": "203.0.113.7"}
CLOSED = (403, "status_page_closed")
SEEN = {
    "loopback": {"here": (200, ""), "proxied": CLOSED, "client": CLOSED, "operator": CLOSED},
    "operators": {
        "here": (401, "invalid_api_key"),
        "proxied": (401, "invalid_api_key"),
        "client": (403, "operator_key_required"),
        "operator": (200, ""),
    },
    "everyone": dict.fromkeys(("here", "proxied", "client", "operator"), (200, "")),
    "off": dict.fromkeys(("here", "proxied", "client", "operator"), (404, "not_found")),
}


@pytest.mark.parametrize("who", SEEN)
def test_the_setting_says_who_sees_it(replica: Simulator, tmp_path: Path, who: str) -> None:
    with Gateway(tmp_path, one_model([replica.url], status_page=who, **KEYS), "--host", "0.0.0.0") as gateway:
        assert {
            "here": asked(gateway, EVENTS),
            "proxied": asked(gateway, EVENTS, **PROXIED),
            "client": asked(gateway, EVENTS, CLIENT, **PROXIED),
            "operator": asked(gateway, EVENTS, OPERATOR, **PROXIED),
        } == SEEN[who]
        page = asked(gateway, "/", **PROXIED)
        assert page == {"loopback": CLOSED, "off": (404, "not_found")}.get(who, (200, ""))
        assert asked(gateway, "/admin/status") == (401, "invalid_api_key")
        assert asked(gateway, "/admin/status", CLIENT) == (403, "operator_key_required")
        assert asked(gateway, "/admin/status", OPERATOR) == (200, "")


def test_no_secret_and_no_url_is_shown(replica: Simulator, tmp_path: Path) -> None:
    cloud = {"cloud": {"base_url": "http://127.0.0.1:9/v1/zanzibar", "api_key_env": "CLOUD_KEY"}}
    model = {
        "fallback": [{"cloud": "cloud", "model": "gpt-4o-mini"}],
        "replicas": [{"id": "gpu-1", "url": replica.url, "api_key_env": "GPU_KEY"}],
    }
    settings = one_model([], model=model, clouds=cloud, redis_url="redis://:zanzibar@127.0.0.1:9/0", **KEYS)
    env = {"CLOUD_KEY": CLOUD_KEY, "GPU_KEY": "sk-gpu-zanzibar"}
    with Gateway(tmp_path, settings, env=env) as gateway, Client(gateway.url, OPERATOR) as client:
        client.chat(messages=[{"role": "user", "content": PROMPT}])
        until(lambda: "Redis went away" in client.http.get("/admin/status").text)
        gateway.config.write_text("models: zanzibar")
        gateway.reload()
        status = until(lambda: "settings were refused" in (t := client.http.get("/admin/status").text) and t)
        shown = str(status) + client.http.get("/").text
        with client.http.stream("GET", EVENTS) as answer:
            shown += str(next(statuses(answer)))
    assert "zanzibar" not in shown
    assert "http://" not in shown.replace("http://www.w3.org/2000/svg", "")


def test_a_page_of_another_site_can_do_nothing(gateway: Gateway) -> None:
    with Client(gateway.url) as client:
        refused = client.http.post("/admin/targets/gpu-1/drain", headers={"origin": "https://example.com"})
        assert (refused.status_code, code_of(refused)) == (403, "operator_key_required")
        assert not client.targets()["gpu-1"]["drained"]


def test_the_stream_over_http_1_0_ends_with_its_connection(replica: Simulator, tmp_path: Path) -> None:
    with Gateway(tmp_path, one_model([replica.url], drain_delay_s=0)) as gateway, dial(gateway.url) as connection:
        connection.sendall(f"GET {EVENTS} HTTP/1.0\r\nhost: localhost\r\n\r\n".encode())
        first = connection.recv(65536)
        gateway.terminate()
        whole = first + everything(connection)
    assert b"\r\n\r\ndata: {" in whole
    assert b'"state":"draining"' in whole
