"""Callers as their operators and they themselves meet them: keys that open, that end, and that reach every instance."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.gateway import Gateway, one_model
from tests.servers import RedisServer, Simulator
from tests.talk import CHAT, Client, code_of, until

OPERATOR = "sk-operator-1"
AGE = "penstock_callers_age_seconds"


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "100") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def cloud() -> Iterator[Simulator]:
    with Simulator("--role", "cloud", "--model", "gpt-4o-mini", "--speed", "100") as simulator:
        yield simulator


def keys(place: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """`penstock keys WORDS`, told by the environment where callers are."""
    command = [sys.executable, "-m", "penstock.cli", "keys", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=place)


def key_of(place: dict[str, str], *words: str) -> str:
    """The key that a command shows."""
    done = keys(place, *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()[0]


def settings(replica: Simulator, **more: Any) -> dict[str, Any]:
    return one_model([replica.url], operator_keys=[f"ops={OPERATOR}"], **more)


@pytest.fixture(params=["file", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The environment that names a place for callers."""

    if request.param == "file":
        return {**os.environ, "PENSTOCK_CALLERS": str(tmp_path / "callers.yaml")}
    url = request.getfixturevalue("redis_server").url
    return {**os.environ, "PENSTOCK_CALLERS": "redis", "PENSTOCK_REDIS_URL": url}


def test_a_key_lives_from_make_to_revoke_on_every_instance(
    replica: Simulator, place: dict[str, str], tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with (
        Gateway(tmp_path / "a", settings(replica), env=place) as one,
        Gateway(tmp_path / "b", settings(replica), env=place) as two,
    ):
        with Client(one.url) as stranger:
            assert stranger.chat().status_code == 401, "a place for callers closes the door while it is empty"
        first = key_of(place, "make", "shop", "--owner", "ada")
        clients = [Client(gateway.url, first) for gateway in (one, two)]
        until(lambda: [client.chat().status_code for client in clients] == [200, 200])
        second = key_of(place, "rotate", "shop", "--overlap", "1h")
        after = [Client(gateway.url, second) for gateway in (one, two)]
        until(lambda: [client.chat().status_code for client in (*clients, *after)] == [200] * 4)
        (shop,) = json.loads(keys(place, "list", "--json").stdout)
        assert keys(place, "revoke", shop["keys"][0]["id"]).returncode == 0
        until(lambda: [client.chat().status_code for client in (*clients, *after)] == [401, 401, 200, 200])
        assert keys(place, "remove", "shop").returncode == 0
        until(lambda: [client.chat().status_code for client in (*clients, *after)] == [401] * 4)
        assert one.wait_for(lambda line: line.get("caller") == "shop")
        for gateway in (one, two):
            assert first not in str(gateway.lines)
            assert not gateway.stray
        for client in (*clients, *after):
            client.close()


def test_what_a_caller_may_do(replica: Simulator, cloud: Simulator, tmp_path: Path) -> None:
    env = {"CLOUD_KEY": "sk-cloud", "PENSTOCK_CALLERS": str(tmp_path / "callers.yaml")}
    two_models = settings(replica, cloud=cloud.url)
    two_models["models"].append({**two_models["models"][0], "name": "other", "served_as": "tiny", "aliases": ["o"]})
    with Gateway(tmp_path, two_models, env=env) as gateway, Client(gateway.url, OPERATOR) as operator:

        def caller(name: str, **fields: Any) -> Client:
            made = operator.http.post("/admin/keys", json={"name": name, **fields})
            assert made.status_code == 201
            return Client(gateway.url, made.json()["key"])

        with caller("bound", models=["other"], functions=["ClassifyTicket"], fallback=False) as bound:
            refused, absent = bound.chat(), bound.chat("absent")
            assert (refused.status_code, code_of(refused)) == (404, "model_not_found")
            assert refused.text == absent.text.replace("absent", "tiny"), "it does not learn that there is one"
            assert (bound.chat("other").status_code, bound.chat("o").status_code) == (200, 200)
            assert code_of(bound.chat("nowhere")) == "model_not_found"
            assert [card["id"] for card in bound.http.get("/v1/models").json()["data"]] == ["other", "o"]
            assert code_of(bound.http.get("/v1/models/tiny")) == "model_not_found"
            cards = bound.http.get("/v1/functions").json()["data"]
            assert [card["name"] for card in cards] == ["ClassifyTicket"]
            other = bound.http.post("/v1/functions/AnswerFromContext", json={})
            assert (other.status_code, code_of(other)) == (403, "function_not_allowed")
            by_function = bound.http.post("/v1/functions/ClassifyTicket", json={"text": "It broke.", "product": None})
            assert code_of(by_function) == "model_not_found", "a function asks its model too"
            admin = bound.http.get("/admin/keys")
            assert (admin.status_code, code_of(admin)) == (403, "operator_key_required")
            with caller("free") as free:
                for target in operator.targets().values():
                    if target["kind"] == "replica":
                        operator.http.post(f"/admin/targets/{target['id']}/drain")
                assert free.chat("other").headers["x-penstock-target"] == "cloud"
                assert code_of(bound.chat("other")) == "no_target_available"


class TestAdmin:
    """/admin/keys."""

    @pytest.fixture
    def operator(self, replica: Simulator, tmp_path: Path) -> Iterator[httpx.Client]:
        env = {"PENSTOCK_CALLERS": str(tmp_path / "callers.yaml")}
        with Gateway(tmp_path, settings(replica), env=env) as gateway, Client(gateway.url, OPERATOR) as client:
            yield client.http

    def test_a_key_lives_from_make_to_revoke(self, operator: httpx.Client) -> None:
        def status(key: str) -> int:
            body = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
            return operator.post(CHAT, json=body, headers={"authorization": f"Bearer {key}"}).status_code

        first = operator.post("/admin/keys", json={"name": "shop", "owner": "ada"}).json()
        assert status(first["key"]) == 200
        second = operator.post("/admin/keys/callers/shop/rotate", json={"overlap_s": 3600}).json()
        assert (status(first["key"]), status(second["key"])) == (200, 200)
        assert operator.delete(f"/admin/keys/{first['id']}").status_code == 204
        assert (status(first["key"]), status(second["key"])) == (401, 200)
        changed = operator.patch("/admin/keys/callers/shop", json={"models": []}).json()
        assert (changed["owner"], changed["models"]) == ("ada", [])
        assert status(second["key"]) == 404
        listed = operator.get("/admin/keys").json()["data"]
        assert [(each["name"], [key["id"] for key in each["keys"]]) for each in listed] == [("shop", [second["id"]])]
        assert operator.delete("/admin/keys/callers/shop").status_code == 204
        assert status(second["key"]) == 401
        assert operator.get("/admin/keys").json() == {"data": []}

    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "code"),
        [
            ("POST", "", {"name": ""}, 400, "invalid_request"),
            ("POST", "", {"name": "shop", "limit": 1}, 400, "invalid_request"),
            ("POST", "", {"name": "shop", "keys": []}, 400, "invalid_request"),
            ("POST", "", {"name": "taken"}, 409, "caller_taken"),
            ("PATCH", "/callers/taken", {"models": "tiny"}, 400, "invalid_request"),
            ("PATCH", "/callers/nobody", {}, 404, "caller_not_found"),
            ("POST", "/callers/nobody/rotate", {}, 404, "caller_not_found"),
            ("DELETE", "/callers/nobody", None, 404, "caller_not_found"),
            ("DELETE", "/0123456789ab", None, 404, "key_not_found"),
        ],
    )
    def test_what_cannot_be_done_is_told(
        self, operator: httpx.Client, method: str, path: str, body: Any, status: int, code: str
    ) -> None:
        operator.post("/admin/keys", json={"name": "taken"})
        answer = operator.request(method, f"/admin/keys{path}", json=body)
        assert (answer.status_code, code_of(answer)) == (status, code)


def test_without_a_place_for_callers_there_are_none(replica: Simulator, tmp_path: Path) -> None:
    with Gateway(tmp_path, settings(replica)) as gateway, Client(gateway.url, OPERATOR) as operator:
        assert operator.http.get("/admin/keys").json() == {"data": []}
        assert code_of(operator.http.post("/admin/keys", json={"name": "shop"})) == "no_callers"


def test_callers_that_are_lost_go_on(replica: Simulator, tmp_path: Path) -> None:
    book = tmp_path / "callers.yaml"
    env = {"PENSTOCK_CALLERS": str(book)}
    with Gateway(tmp_path, settings(replica), env=env) as gateway:
        with Client(gateway.url, OPERATOR) as operator:
            key = operator.http.post("/admin/keys", json={"name": "shop"}).json()["key"]
        kept = book.read_text()
        with Client(gateway.url, key) as client:
            for damage in (lambda: book.unlink(), lambda: book.write_text("callers: [")):
                seen = len(gateway.lines)
                damage()
                until(lambda seen=seen: [x for x in gateway.lines[seen:] if x["event"] == "callers unreadable"])
                assert client.chat().status_code == 200
            assert client.samples()[AGE] > 0
            book.write_text(kept.replace("name: shop", "name: store"))
            assert client.chat().status_code == 200
            until(lambda: client.chat().is_success and gateway.requests()[-1]["caller"] == "store")
            assert client.samples()[AGE] == 0


def test_an_instance_that_never_could_read_them_is_not_ready(
    replica: Simulator, redis_server: RedisServer, tmp_path: Path
) -> None:
    redis_server.kill()
    env = {"PENSTOCK_CALLERS": "redis", "PENSTOCK_REDIS_URL": redis_server.url}
    with Gateway(tmp_path, settings(replica), env=env) as gateway, Client(gateway.url, OPERATOR) as operator:
        health = operator.http.get("/health/ready")
        assert (health.status_code, health.json()["status"]) == (503, "no callers")
        away = operator.http.post("/admin/keys", json={"name": "shop"})
        assert (away.status_code, code_of(away)) == (503, "callers_unavailable")
        assert "retry-after" in away.headers
        redis_server.start()
        until(lambda: operator.http.get("/health/ready").status_code == 200)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("list",), 2, "say where callers are kept"),
        (("--file", "{book}", "revoke", "0123456789ab"), 1, "There is no key"),
        (("--file", "{book}", "make", "shop", "--fallback", "perhaps"), 1, "fallback"),
        (("--file", "{book}", "make", "shop", "--ends-in", "soon"), 2, "write 90d"),
        (("--file", "/proc/none/callers.yaml", "make", "shop"), 1, "cannot be changed"),
    ],
)
def test_what_a_command_cannot_do_it_tells(tmp_path: Path, words: tuple[str, ...], code: int, told: str) -> None:

    given = [word.format(book=tmp_path / "callers.yaml") for word in words]
    done = keys(dict(os.environ), *given)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_moment_that_no_calendar_has_is_refused(replica: Simulator, tmp_path: Path) -> None:
    told = settings(replica, callers=str(tmp_path / "callers.yaml"))
    json_type = {"content-type": "application/json"}
    with Gateway(tmp_path, told) as gateway, Client(gateway.url, OPERATOR) as operator:
        operator.http.post("/admin/keys", json={"name": "shop"})
        for seconds in ("1e12", "1e300", "Infinity", "NaN"):
            bodies = {"": '"name":"lab","ends_in_s"', "/callers/shop/rotate": '"overlap_s"'}
            for path, start in bodies.items():
                body = f"{{{start}:{seconds}}}"
                answer = operator.http.post(f"/admin/keys{path}", content=body, headers=json_type)
                assert (answer.status_code, code_of(answer)) == (400, "invalid_request"), body
