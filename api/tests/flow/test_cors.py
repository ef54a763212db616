"""Pages of other sites in a browser: told nothing unless a setting names their origin, and then what they need."""

from collections.abc import Iterator

import httpx
import pytest
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import CHAT, HELLO, Client

OURS, THEIRS = "https://chat.example.com", "https://evil.example.net"
ASKS = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
BODY = {"model": "tiny", "messages": HELLO, "max_tokens": 1}
KEYS = ["shop=sk-shop-1"]


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "100") as simulator:
        yield simulator


@pytest.fixture(scope="module", params=[[], [OURS]], ids=["by default", "one origin"])
def origins(request: pytest.FixtureRequest) -> list[str]:
    told: list[str] = request.param
    return told


@pytest.fixture(scope="module")
def client(replica: Simulator, origins: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    settings = one_model([replica.url], api_keys=KEYS, requests={"cors_origins": origins})
    with Gateway(tmp_path_factory.mktemp("gateway"), settings) as gateway, Client(gateway.url) as client:
        yield client


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def asked(client: Client, origin: str, path: str = CHAT, **headers: str) -> httpx.Response:
    return client.http.options(path, headers={"origin": origin, **ASKS, **headers})


def called(client: Client, origin: str, key: str = "sk-shop-1") -> httpx.Response:
    return client.http.post(CHAT, json=BODY, headers={"origin": origin, "authorization": f"Bearer {key}"})


@pytest.mark.parametrize("origin", [THEIRS, "null", "", OURS + ".evil.example.net", OURS.replace("https", "http")])
def test_others_are_told_nothing(client: Client, origin: str) -> None:
    before = asked(client, origin)
    assert (before.status_code, told(before)) == (401, {})
    assert told(called(client, origin)) == told(called(client, origin, "sk-wrong")) == {}


def test_one_that_is_named_may_ask_before_and_read_after(client: Client, origins: list[str]) -> None:
    if not origins:
        assert (asked(client, OURS).status_code, told(asked(client, OURS)), told(called(client, OURS))) == (401, {}, {})
        return
    before = asked(client, OURS)
    assert (before.status_code, before.content) == (204, b"")
    assert told(before)["access-control-allow-origin"] == OURS
    assert {"authorization", "content-type"} <= set(told(before)["access-control-allow-headers"].split(", "))
    for key, status in (("sk-shop-1", 200), ("sk-wrong", 401)):
        answer = called(client, OURS, key)
        assert (answer.status_code, answer.headers["vary"]) == (status, "origin")
        assert told(answer).keys() == {"access-control-allow-origin", "access-control-expose-headers"}
        assert told(answer)["access-control-allow-origin"] == OURS


@pytest.mark.parametrize("path", ["/admin/targets", "/admin/keys", "/metrics", "/", "/status/events", "/v1"])
def test_no_other_site_has_to_do_with_operators(client: Client, path: str) -> None:
    assert told(asked(client, OURS, path)) == {}
    assert told(client.http.get("/admin/targets", headers={"origin": OURS})) == {}


def test_a_question_that_no_browser_asks_opens_nothing(client: Client) -> None:
    plain = client.http.options(CHAT, headers={"origin": OURS})
    assert plain.status_code == 401
    assert client.http.options(CHAT).status_code == 401
