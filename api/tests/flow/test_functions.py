"""Typed functions over HTTP: values of their types, at once and as they grow, and errors that say what was wrong."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter
from tests.functions import GIVEN, shipped
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import Client, Json, code_of

FUNCTIONS = shipped()
EACH = pytest.mark.parametrize("name", GIVEN)


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "20") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def gateway(replica: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = one_model([replica.url], breaker={"fail_max": 100})
    with Gateway(tmp_path_factory.mktemp("gateway"), settings) as process:
        yield process


@pytest.fixture
def client(gateway: Gateway, replica: Simulator) -> Iterator[Client]:
    with Client(gateway.url) as client:
        yield client
    replica.clear()


def call(client: Client, name: str, given: Any = None) -> httpx.Response:
    return client.http.post(f"/v1/functions/{name}", json=GIVEN[name] if given is None else given)


def stream(client: Client, name: str) -> list[tuple[str, Any]]:
    """The events of a typed stream, names and data."""
    answer = client.http.post(f"/v1/functions/{name}/stream", json=GIVEN[name])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    pairs = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    return [(event.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for event, data in pairs]


def asked_of(replica: Simulator) -> int:
    return int(replica.state()["requests"].get("/v1/chat/completions", 0))


def test_every_function_is_tried() -> None:
    assert GIVEN.keys() == FUNCTIONS.keys()


@EACH
def test_an_answer_is_of_its_type(client: Client, replica: Simulator, name: str) -> None:
    answer = call(client, name)
    assert answer.status_code == 200
    assert answer.headers["x-penstock-target"] == f"127.0.0.1:{replica.port}"
    assert answer.headers["content-type"] == "application/json"
    TypeAdapter(FUNCTIONS[name].returns).validate_json(answer.content, strict=True)
    seen = replica.state()["last"]["body"]
    assert seen["response_format"] == FUNCTIONS[name].response_format
    assert seen["model"] == "tiny"


@EACH
def test_a_stream_grows_into_the_answer(client: Client, name: str) -> None:
    *partials, (last, value) = stream(client, name)
    assert last == "final"
    assert value == call(client, name).json()
    assert {event for event, _ in partials} <= {"partial"}
    for _, partial in partials:
        TypeAdapter(FUNCTIONS[name].partial).validate_python(partial)


def test_a_long_answer_has_partials(client: Client, replica: Simulator) -> None:
    replica.fault("slow", factor=10)
    names = [event for event, _ in stream(client, "SummarizeThread")]
    assert names[-1] == "final"
    assert names.count("partial") >= 2


@pytest.mark.parametrize("way", ["", "/stream"])
@pytest.mark.parametrize(
    ("name", "given", "param"),
    [
        ("ClassifyTicket", {}, "text"),
        ("ClassifyTicket", {"text": 5}, "text"),
        ("ClassifyTicket", {"text": "Hello", "nonsense": 1}, "nonsense"),
        ("SummarizeThread", {"messages": [{"author": "Ada"}]}, "messages.0.text"),
        ("ClassifyTicket", [], None),
    ],
)
def test_arguments_of_the_wrong_type(
    client: Client, replica: Simulator, name: str, given: Any, param: str | None, way: str
) -> None:
    before = asked_of(replica)
    answer = call(client, name + way, given)
    assert (answer.status_code, code_of(answer)) == (422, "invalid_arguments")
    assert answer.json()["error"]["param"] == param
    assert asked_of(replica) == before


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 5000])
def test_arguments_that_are_not_json(client: Client, content: bytes) -> None:
    answer = client.http.post(
        "/v1/functions/ClassifyTicket", content=content, headers={"content-type": "application/json"}
    )
    assert (answer.status_code, code_of(answer)) == (422, "invalid_arguments")


def test_an_answer_that_cannot_be_read_is_asked_for_once_more(client: Client, replica: Simulator) -> None:
    before = asked_of(replica)
    replica.fault("babble", count=1)
    answer = call(client, "ClassifyTicket")
    assert answer.status_code == 200
    assert answer.headers["x-penstock-attempts"] == "2"
    assert asked_of(replica) == before + 2


def test_and_no_more_than_once(gateway: Gateway, client: Client, replica: Simulator) -> None:
    before = asked_of(replica)
    replica.fault("babble")
    answer = call(client, "ClassifyTicket")
    assert (answer.status_code, code_of(answer)) == (502, "unparseable_output")
    assert asked_of(replica) == before + 2
    line = gateway.wait_for(lambda line: line.get("request_id") == answer.headers["x-request-id"])
    assert (line["function"], line["code"], line["surface"]) == ("ClassifyTicket", "unparseable_output", "functions")
    assert line["output_tokens"] > 20  # of both answers: both were paid for
    assert client.in_flight() == 0
    (card,) = client.targets().values()
    assert card["breaker"] == "closed"


def test_an_answer_that_was_cut_is_no_short_answer(client: Client, replica: Simulator) -> None:
    replica.fault("brief", after_events=5)
    answer = call(client, "ClassifyTicket")
    assert (answer.status_code, code_of(answer)) == (502, "output_truncated")
    *_, (event, told) = stream(client, "ClassifyTicket")
    assert (event, told["error"]["code"]) == ("error", "output_truncated")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "cut", "after_events": 6}, "stream_broken"),
        ({"kind": "no_finish"}, "stream_broken"),
        ({"kind": "error_event", "after_events": 6}, "stream_broken"),
        ({"kind": "babble"}, "unparseable_output"),
    ],
)
def test_a_stream_that_breaks_says_so(
    gateway: Gateway, client: Client, replica: Simulator, fault: Json, code: str
) -> None:
    replica.fault(**fault)
    events = stream(client, "SummarizeThread")
    event, told = events[-1]
    assert (event, told["error"]["code"]) == ("error", code)
    assert "final" not in dict(events)
    assert client.in_flight() == 0
    assert not gateway.stray


@pytest.mark.parametrize("way", ["", "/stream"])
def test_before_the_first_event_an_error_has_its_status(client: Client, replica: Simulator, way: str) -> None:
    replica.fault("status", status=500)
    answer = client.http.post(f"/v1/functions/ScreenMessage{way}", json=GIVEN["ScreenMessage"])
    assert (answer.status_code, code_of(answer)) == (502, "upstream_error")


def test_the_openapi_document_has_the_exact_schemas(client: Client) -> None:
    document = client.http.get("/openapi.json").json()
    assert {path for path in document["paths"] if path.startswith("/v1/functions/")} == {
        f"/v1/functions/{name}{way}" for name in GIVEN for way in ("", "/stream")
    }
    for name in GIVEN:
        operation = document["paths"][f"/v1/functions/{name}"]["post"]
        takes = operation["requestBody"]["content"]["application/json"]["schema"]
        gives = operation["responses"]["200"]["content"]["application/json"]["schema"]
        known = document["components"]["schemas"]
        assert known[takes["$ref"].rpartition("/")[2]]["required"] == [
            field for field, of in FUNCTIONS[name].arguments.model_fields.items() if of.is_required()
        ]
        returned = TypeAdapter(FUNCTIONS[name].returns).json_schema()
        assert known[gives["$ref"].rpartition("/")[2]]["properties"].keys() == returned["properties"].keys()
