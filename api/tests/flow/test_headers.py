"""What headers tell the client and the replica, what they must not, and the lists of what is served."""

import json
import re
from collections.abc import Iterator

import pytest
from tests.gateway import Gateway
from tests.servers import Simulator
from tests.talk import CHAT, HELLO, Client, code_of


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "100") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def client(replica: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    here = [{"url": replica.url, "id": "gpu-1"}]
    models = [
        {"name": "tiny", "replicas": here},
        {"name": "support", "aliases": ["gpt-4o", "org/alias"], "served_as": "org/real-name", "replicas": here},
    ]
    with Gateway(tmp_path_factory.mktemp("gateway"), {"models": models}) as gateway, Client(gateway.url) as client:
        yield client


@pytest.mark.parametrize("stream", [False, True])
def test_headers_tell_who_answered(client: Client, stream: bool) -> None:
    answer = client.chat(stream=stream, headers={"x-request-id": "my-own.id_1"})
    told = {name: value for name, value in answer.headers.items() if name.startswith("x-")}
    told.pop("x-accel-buffering", None)
    assert told == {
        "x-request-id": "my-own.id_1",
        "x-penstock-target": "gpu-1",
        "x-penstock-attempts": "1",
        "x-penstock-model": "tiny",
    }
    assert "server" not in answer.headers


def test_a_stream_asks_proxies_not_to_hold_it(client: Client) -> None:
    answer = client.chat(stream=True)
    assert (answer.headers["x-accel-buffering"], answer.headers["cache-control"]) == ("no", "no-cache")


def test_of_the_clients_headers_only_the_request_id_reaches_the_replica(client: Client, replica: Simulator) -> None:
    private = {"authorization": "Bearer sk-private", "cookie": "session=private", "x-forwarded-for": "10.0.0.9"}
    client.chat(headers={**private, "x-request-id": "r-1", "openai-organization": "private", "te": "trailers"})
    seen = replica.state()["last"]["headers"]
    assert seen.pop("x-request-id") == "r-1"
    assert 0 < int(seen.pop("x-penstock-timeout-ms")) <= 120_000
    assert set(seen) == {"host", "user-agent", "content-type", "accept-encoding", "content-length"}
    assert "private" not in json.dumps(seen)


@pytest.mark.parametrize("unsafe", ["", "a b", "x" * 129, 'a"b', "ä", "a\tb", "../a"])
def test_an_unsafe_request_id_is_replaced(client: Client, replica: Simulator, unsafe: str) -> None:
    body = {"model": "tiny", "messages": HELLO, "max_tokens": 1}
    answer = client.http.post(CHAT, json=body, headers={b"x-request-id": unsafe.encode("latin-1")})
    name = answer.headers["x-request-id"]
    assert re.fullmatch(r"req-[0-9a-f]{24}", name)
    assert replica.state()["last"]["headers"]["x-request-id"] == name


def test_models_are_listed_with_their_aliases(client: Client) -> None:
    listed = client.http.get("/v1/models").json()
    assert listed["object"] == "list"
    assert [card["id"] for card in listed["data"]] == ["tiny", "support", "gpt-4o", "org/alias"]
    for card in listed["data"]:
        assert client.http.get(f"/v1/models/{card['id']}").json() == card


def test_a_model_that_is_not_there(client: Client) -> None:
    answer = client.http.get("/v1/models/org/real-name")
    assert (answer.status_code, code_of(answer)) == (404, "model_not_found")


@pytest.mark.parametrize("stream", [False, True])
def test_a_connection_is_kept_for_the_next_request(client: Client, stream: bool) -> None:
    def port() -> object:
        return client.chat(stream=stream).extensions["network_stream"].get_extra_info("client_addr")

    assert port() == port()


def test_functions_are_listed_with_their_paths(client: Client) -> None:
    listed = client.http.get("/v1/functions").json()["data"]
    assert "ClassifyTicket" in [card["name"] for card in listed]
    assert all(card["description"] and card["path"] == f"/v1/functions/{card['name']}" for card in listed)
