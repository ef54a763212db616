"""Those who guess keys: they learn nothing, hold nothing up and leave nothing behind."""

import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import yaml
from penstock.callers.caller import Caller, Key
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import CHAT, HELLO, Client, dial, everything, resident, until

GOOD, ENDED, OPERATOR = "pk-good-1", "pk-ended-1", "sk-operator-1"
NOW = datetime.now(UTC)
ASKED = {"model": "tiny", "messages": HELLO, "max_tokens": 1}
OWN = {"x-request-id", "date"}
"""Headers that no two answers share."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    callers = [
        Caller(name="shop", keys=(Key.of(GOOD, NOW),)),
        Caller(name="bound", models=("tiny",), keys=(Key.of("pk-bound-1", NOW),)),
        Caller(name="ended", keys=(Key.of(ENDED, NOW, NOW - timedelta(days=1)),)),
    ]
    book = [json.loads(each.model_dump_json()) for each in callers]
    (folder / "callers.yaml").write_text(yaml.safe_dump({"callers": book}))
    with Simulator("--speed", "1000") as replica:
        told = one_model([replica.url], callers=str(folder / "callers.yaml"), operator_keys=[f"ops={OPERATOR}"])
        told["models"].append({**told["models"][0], "name": "secret-project", "served_as": "tiny", "aliases": ["hush"]})
        with Gateway(folder, told) as process:
            until(lambda: asked(process, GOOD).status_code == 200)
            yield process


def asked(gateway: Gateway, key: str, path: str = CHAT, model: str = "tiny") -> httpx.Response:
    with Client(gateway.url, key) as client:
        return client.http.post(path, json={**ASKED, "model": model})


def seen(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """All that whoever asks can tell answers apart by."""
    return answer.status_code, answer.text, {name: each for name, each in answer.headers.items() if name not in OWN}


@pytest.mark.parametrize("path", [CHAT, "/v1/models", "/v1/functions/ClassifyTicket", "/admin/keys", "/nowhere"])
def test_keys_that_open_nothing_are_all_alike(gateway: Gateway, path: str) -> None:
    """Never known, ended, revoked, of the right shape or none, and none at all."""
    with Client(gateway.url, OPERATOR) as operator:
        made = operator.http.post("/admin/keys", json={"name": "gone"}).json()
        assert operator.http.delete("/admin/keys/callers/gone").status_code == 204
    guesses = [
        f"pk-{secrets.token_urlsafe(32)}",
        ENDED,
        made["key"],
        GOOD[:-1],
        GOOD + "x",
        GOOD.upper(),
        made["id"],
        "",
    ]
    answers = [seen(asked(gateway, guess, path)) for guess in guesses]
    assert answers[0][0] == 401
    assert all(each == answers[0] for each in answers)


def test_a_revoked_key_stays_revoked(gateway: Gateway) -> None:
    """Replayed at once, later, on a connection that was open before, and after the keys were read again."""
    with Client(gateway.url, OPERATOR) as operator:
        made = operator.http.post("/admin/keys", json={"name": "leaver"}).json()
        with Client(gateway.url, made["key"]) as kept:
            assert kept.chat(max_tokens=1).status_code == 200
            assert operator.http.delete(f"/admin/keys/{made['id']}").status_code == 204
            assert [kept.chat(max_tokens=1).status_code for _ in range(3)] == [401] * 3
            operator.http.post("/admin/keys", json={"name": "another"})
            assert kept.chat(max_tokens=1).status_code == 401
        second = operator.http.post("/admin/keys/callers/leaver/rotate", json={}).json()
        assert asked(gateway, second["key"]).status_code == 200
        assert asked(gateway, made["key"]).status_code == 401
        assert operator.http.get("/admin/keys").text.count(made["id"]) == 0


def test_a_key_learns_of_no_model_but_its_own(gateway: Gateway) -> None:
    with Client(gateway.url, "pk-bound-1") as client:
        assert [card["id"] for card in client.http.get("/v1/models").json()["data"]] == ["tiny"]
        ways: list[Callable[[str], httpx.Response]] = [client.chat, lambda name: client.http.get(f"/v1/models/{name}")]
        for way in ways:
            absent = seen(way("absent"))
            for other in ("secret-project", "hush"):
                status, text, told = seen(way(other))
                assert (status, text.replace(other, "absent")) == absent[:2]
                assert told | {"content-length": ""} == absent[2] | {"content-length": ""}
        for path in ("/openapi.json", "/docs", "/", "/health/ready"):
            assert "secret-project" not in client.http.get(path).text
        assert "secret-project" not in client.chat(n=100_000).text


def test_a_flood_of_guesses_holds_up_nobody_and_is_not_kept(gateway: Gateway) -> None:
    """4,000 keys that are not known: no memory goes, and a caller with a key is answered all the while."""
    body = json.dumps(ASKED)

    def guess(count: int) -> set[int]:
        with httpx.Client(base_url=gateway.url, timeout=60, trust_env=False) as client:
            statuses = set()
            for _ in range(count):
                told = {"authorization": f"Bearer pk-{secrets.token_urlsafe(32)}", "content-type": "application/json"}
                statuses.add(client.post(CHAT, content=body, headers=told).status_code)
            return statuses

    guess(200)
    before = resident(gateway)
    with ThreadPoolExecutor(4) as pool:
        flood = [pool.submit(guess, 1000) for _ in range(4)]
        good = []
        while not all(each.done() for each in flood):
            good.append(asked(gateway, GOOD).status_code)
        assert set().union(*(each.result() for each in flood)) == {401}
    assert len(good) > 20
    assert set(good) == {200}
    assert resident(gateway) - before < 16 * 2**20
    with Client(gateway.url, OPERATOR) as operator:
        assert operator.in_flight() == 0


@pytest.mark.parametrize(
    "path",
    [
        "/admin",
        "/admin/",
        "/admin/targets",
        "/admin/targets/",
        "//admin/targets",
        "/./admin/targets",
        "/v1/../admin/targets",
        "/%61dmin/targets",
        "/admin%2ftargets",
        "/ADMIN/targets",
        "/admin;/targets",
        "/admin/targets?",
        "/admin/targets#a",
        "/admin/targets%00",
        "http://a/admin/targets",
        "HTTP://A/admin/targets",
        "http://a@b/admin/targets",
        "*",
        "/metrics/../admin/targets",
        "/health/live/../../admin/targets",
        "/docs;/admin/targets",
        "/openapi.json/admin/targets",
        "/admin/status",
        "/admin/keys",
        "admin/targets",
        "/\\admin/targets",
        "/%2561dmin/targets",
        "/admin/%74argets",
    ],
)
def test_no_spelling_of_a_path_opens_what_is_for_operators(gateway: Gateway, path: str) -> None:
    for key, statuses in (("", (400, 401)), (GOOD, (400, 403, 404))):
        with dial(gateway.url) as connection:
            told = f"authorization: Bearer {key}\r\n" if key else ""
            connection.sendall(f"GET {path} HTTP/1.1\r\nhost: a\r\n{told}connection: close\r\n\r\n".encode())
            answer = everything(connection)
        assert int(answer.split()[1]) in statuses, answer
        assert b"in_flight" not in answer
