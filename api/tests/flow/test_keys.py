"""Who may ask what: open routes, clients' keys, operators' keys, and a door that is not left open by mistake."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import CHAT, Client, code_of, until

CLIENT, SECOND, OPERATOR, WRONG = "sk-client-1", "sk-client-2", "sk-operator-1", "sk-wrong-1"


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "100") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def gateway(replica: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "operators").write_text(f"ops={OPERATOR}\n")
    env = {
        "PENSTOCK_API_KEYS": f"shop={CLIENT}, lab={SECOND}",
        "PENSTOCK_OPERATOR_KEYS_FILE": str(folder / "operators"),
    }
    with Gateway(folder, one_model([replica.url]), "--host", "0.0.0.0", env=env) as process:
        process.url = process.url.replace("0.0.0.0", "127.0.0.1")
        yield process


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json"])
def test_what_is_open(gateway: Gateway, path: str) -> None:
    with Client(gateway.url) as client:
        assert client.http.get(path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", CHAT),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/functions/ClassifyTicket"),
        ("GET", "/v1/functions"),
        ("GET", "/v1/models"),
        ("GET", "/admin/targets"),
        ("POST", "/admin/targets/any/drain"),
        ("GET", "/not/there"),
        ("GET", "/metrics/"),
    ],
)
@pytest.mark.parametrize("key", ["", WRONG, CLIENT.upper(), CLIENT + " x"])
def test_what_needs_a_key(gateway: Gateway, replica: Simulator, method: str, path: str, key: str) -> None:
    seen = replica.state()["requests"].get(path)
    with Client(gateway.url, key) as client:
        answer = client.http.request(method, path, json={} if method == "POST" else None)
    assert (answer.status_code, code_of(answer)) == (401, "invalid_api_key")
    assert answer.json()["error"]["type"] == "authentication_error"
    assert replica.state()["requests"].get(path) == seen


@pytest.mark.parametrize("header", ["Basic sk-client-1", "sk-client-1", "Bearer", "Bearer shop=sk-client-1"])
def test_how_a_key_is_not_sent(gateway: Gateway, header: str) -> None:
    with Client(gateway.url) as client:
        assert client.chat(headers={"authorization": header}).status_code == 401


@pytest.mark.parametrize(("key", "caller"), [(CLIENT, "shop"), (SECOND, "lab"), (OPERATOR, "ops")])
def test_a_key_opens_and_names_its_holder(gateway: Gateway, replica: Simulator, key: str, caller: str) -> None:
    with Client(gateway.url, key) as client:
        answer = client.chat()
    assert answer.status_code == 200
    line = gateway.wait_for(lambda line: line.get("request_id") == answer.headers["x-request-id"])
    assert line["caller"] == caller
    assert "authorization" not in replica.state()["last"]["headers"]


def test_operators_routes_need_an_operators_key(gateway: Gateway) -> None:
    with Client(gateway.url, CLIENT) as client:
        answer = client.http.get("/admin/targets")
        assert (answer.status_code, code_of(answer)) == (403, "operator_key_required")
        assert client.http.get("/v1/models").status_code == 200
    with Client(gateway.url, OPERATOR) as client:
        assert client.http.get("/admin/targets").status_code == 200


def test_no_key_stands_in_the_log(gateway: Gateway) -> None:
    with Client(gateway.url, WRONG) as client:
        refused = client.chat()
    until(lambda: any(line["request_id"] == refused.headers["x-request-id"] for line in gateway.requests()))
    for key in (CLIENT, SECOND, OPERATOR, WRONG):
        assert key not in str(gateway.lines)
        assert key not in refused.text
    assert not gateway.stray


def serve(folder: Path, *flags: str, settings: str = "") -> subprocess.CompletedProcess[str]:
    """`penstock serve`, where it is expected to refuse."""
    config = folder / "penstock.yaml"
    config.write_text(settings)
    command = [sys.executable, "-m", "penstock.cli", "serve", "--config", str(config), "--port", "0", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "a.name"])
def test_without_keys_only_this_machine_is_served(tmp_path: Path, host: str) -> None:
    ended = serve(tmp_path, "--host", host)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"penstock: {host} can be reached from other machines")
    assert "PENSTOCK_API_KEYS" in ended.stderr


def test_operators_keys_alone_close_the_door_too(replica: Simulator, tmp_path: Path) -> None:
    settings = one_model([replica.url], operator_keys=[f"ops={OPERATOR}"])
    with Gateway(tmp_path, settings, "--host", "0.0.0.0") as gateway:
        url = gateway.url.replace("0.0.0.0", "127.0.0.1")
        with Client(url) as stranger, Client(url, OPERATOR) as operator:
            assert (stranger.chat().status_code, operator.chat().status_code) == (401, 200)


@pytest.mark.parametrize("key", ["sk-nameless-secret", "shop=", "=sk-secret"])
def test_a_key_without_a_holder_is_refused_and_not_told(tmp_path: Path, key: str) -> None:
    ended = serve(tmp_path, settings=f"api_keys: ['{key}']")
    assert ended.returncode == 2
    assert "api_keys" in ended.stderr
    assert "secret" not in ended.stderr


def test_insecure_is_a_word_that_opens_it(replica: Simulator, tmp_path: Path) -> None:
    with (
        Gateway(tmp_path, one_model([replica.url]), "--host", "0.0.0.0", "--insecure") as gateway,
        Client(gateway.url.replace("0.0.0.0", "127.0.0.1")) as client,
    ):
        assert client.chat().status_code == 200
