"""Each request that would change something on /admin leaves one line: who asked for what, and what came of it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.gateway import Gateway, Line, one_model
from tests.servers import Simulator
from tests.talk import Client, Json

KEYS = {"ops": "sk-operator-1", "shop": "sk-caller-1", "stranger": "sk-nobody-1"}
BODIES: dict[str, Json] = {
    "POST /admin/targets": {"model": "tiny", "url": "http://127.0.0.1:9", "id": "joined"},
    "POST /admin/keys": {"name": "lab"},
    "PATCH /admin/keys/callers/{name}": {"parallel": 3},
    "POST /admin/keys/callers/{name}/rotate": {},
}
DONE = [
    ("POST /admin/targets", "", 201, {"action": "join", "target": "joined"}),
    ("POST /admin/targets/{name}/drain", "joined", 200, {"action": "drain", "target": "joined"}),
    ("POST /admin/targets/{name}/undrain", "joined", 200, {"action": "undrain", "target": "joined"}),
    ("POST /admin/targets/{name}/breaker/reset", "joined", 200, {"action": "breaker reset", "target": "joined"}),
    ("DELETE /admin/targets/{name}", "joined", 204, {"action": "leave", "target": "joined"}),
    ("POST /admin/keys", "", 201, {"action": "make", "subject": "lab"}),
    ("PATCH /admin/keys/callers/{name}", "lab", 200, {"action": "change", "subject": "lab"}),
    ("POST /admin/keys/callers/{name}/rotate", "lab", 201, {"action": "rotate", "subject": "lab"}),
    ("DELETE /admin/keys/callers/{name}", "lab", 204, {"action": "remove", "subject": "lab"}),
]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    keys = {"api_keys": [f"shop={KEYS['shop']}"], "operator_keys": [f"ops={KEYS['ops']}"]}
    with (
        Simulator("--speed", "100") as replica,
        Gateway(folder, one_model([replica.url], callers=str(folder / "callers.yaml"), **keys)) as process,
    ):
        yield process


def asked(gateway: Gateway, who: str, route: str, name: str = "nothing") -> tuple[int, Line, list[Line]]:
    """The status, the audit's line, and those about what was done."""
    method, _, path = route.partition(" ")
    with Client(gateway.url, KEYS[who]) as client:
        answer = client.http.request(method, re.sub(r"{\w+}", name, path), json=BODIES.get(route))
    own = answer.headers["x-request-id"]
    gateway.wait_for(lambda line: line["event"] == "audit" and line["request_id"] == own)
    lines = [line for line in tuple(gateway.lines) if line.get("request_id") == own and line["event"] != "request"]
    (audit,) = [line for line in lines if line["event"] == "audit"]
    return answer.status_code, audit, [line for line in lines if line is not audit]


def routes(gateway: Gateway) -> set[str]:
    """Every one that changes something, as OpenAPI has them."""
    with Client(gateway.url) as client:
        paths = client.http.get("/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {path}"
        for path, item in paths.items()
        for method in item
        if path.startswith("/admin") and method != "get"
    }


def test_what_an_operator_does_is_told_with_who_did_it(gateway: Gateway) -> None:
    for route, name, expected, done in DONE:
        status, audit, (line,) = asked(gateway, "ops", route, name)
        assert status == audit["status"] == expected, route
        assert (audit["operator"], audit["outcome"], audit["code"]) == ("ops", "ok", None)
        assert (audit["method"], audit["address"]) == (route.split()[0], "127.0.0.1")
        assert name in audit["path"]
        assert line | done == line
        assert line["operator"] == "ops"


@pytest.mark.parametrize(("who", "operator", "status"), [("shop", "shop", 403), ("stranger", "none", 401)])
def test_what_others_try_is_told(gateway: Gateway, who: str, operator: str, status: int) -> None:
    for route in routes(gateway):
        told, audit, done = asked(gateway, who, route)
        assert (told, audit["status"], audit["outcome"], audit["operator"]) == (status, status, "refused", operator)
        assert done == []


def test_what_comes_to_nothing_is_told(gateway: Gateway) -> None:
    for route in routes(gateway) - BODIES.keys():
        status, audit, done = asked(gateway, "ops", route)
        assert (status, audit["outcome"], audit["operator"], done) == (404, "refused", "ops", []), route
        assert audit["code"].endswith("_not_found")


def test_a_look_is_no_deed(gateway: Gateway) -> None:
    with Client(gateway.url, KEYS["ops"]) as client:
        own = [client.http.get(path).headers["x-request-id"] for path in ("/admin/targets", "/admin/keys")]
    seen: list[Any] = [gateway.wait_for(lambda line, id_=each: line.get("request_id") == id_) for each in own]
    assert [line["event"] for line in seen] == ["request", "request"]
