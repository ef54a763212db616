"""Bad input of every kind: a 4xx in OpenAI's shape, and no target hears of it."""

import gzip
import json
from collections.abc import Iterator

import pytest
from tests.gateway import Gateway, one_model
from tests.servers import Simulator
from tests.talk import CHAT, HELLO, Client, code_of

LIMIT = 128 * 1024
JSON = {"content-type": "application/json"}
FUNCTION = "/v1/functions/ClassifyTicket"
DEEP = "[" * 5000 + "]" * 5000


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "100") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def gateway(replica: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = one_model([replica.url], max_body_bytes=LIMIT)
    with Gateway(tmp_path_factory.mktemp("gateway"), settings) as process:
        yield process


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[Client]:
    with Client(gateway.url) as client:
        yield client


@pytest.fixture(autouse=True)
def _no_target_hears_of_it(replica: Simulator) -> Iterator[None]:
    def asked() -> int:
        counts = replica.state()["requests"]
        return sum(count for path, count in counts.items() if path.startswith("/v1/"))

    before = asked()
    yield
    assert asked() == before


@pytest.mark.parametrize("path", [CHAT, "/v1/completions", "/v1/responses", "/v1/embeddings"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="broken"),
        pytest.param(b'{"model": "tiny",}', id="trailing comma"),
        pytest.param(b'{"model": "tiny", "n": NaN}', id="NaN"),
        pytest.param(b"[]", id="array"),
        pytest.param(b'"tiny"', id="string"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"model": "tiny", "messages": "\xff\xfe"}', id="not UTF-8"),
        pytest.param(b'{"model": "tiny", "user": "\\ud800"}', id="half a surrogate pair"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param('{"model": "tiny"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(f'{{"model": "tiny", "messages": {DEEP}}}'.encode(), id="too deep"),
        pytest.param(b'{"a":' * 5000 + b"1" + b"}" * 5000, id="objects too deep"),
    ],
)
def test_what_is_not_a_json_object(client: Client, path: str, content: bytes) -> None:
    answer = client.http.post(path, content=content, headers=JSON)
    assert (answer.status_code, code_of(answer)) == (400, "invalid_json")
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (CHAT, {"messages": HELLO}, "model"),
        (CHAT, {"model": None, "messages": HELLO}, "model"),
        (CHAT, {"model": 1, "messages": HELLO}, "model"),
        (CHAT, {"model": "", "messages": HELLO}, "model"),
        (CHAT, {"model": "tiny"}, "messages"),
        (CHAT, {"model": "tiny", "messages": None}, "messages"),
        (CHAT, {"model": "tiny", "messages": HELLO, "stream": "yes"}, "stream"),
        (CHAT, {"model": "tiny", "messages": HELLO, "stream": 1}, "stream"),
        (CHAT, {"model": "tiny", "messages": HELLO, "stream": True, "stream_options": []}, "stream_options"),
        (CHAT, {"model": "tiny", "messages": HELLO, "n": "2"}, "n"),
        (CHAT, {"model": "tiny", "messages": HELLO, "n": True}, "n"),
        (CHAT, {"model": "tiny", "messages": HELLO, "max_tokens": "many"}, "max_tokens"),
        (CHAT, {"model": "tiny", "messages": HELLO, "max_tokens": 1.5}, "max_tokens"),
        (CHAT, {"model": "tiny", "messages": HELLO, "max_completion_tokens": []}, "max_completion_tokens"),
        ("/v1/completions", {"model": "tiny"}, "prompt"),
        ("/v1/responses", {"model": "tiny", "max_output_tokens": 5}, "input"),
        ("/v1/responses", {"model": "tiny", "input": "Hello", "max_output_tokens": "5"}, "max_output_tokens"),
        ("/v1/embeddings", {"model": "tiny"}, "input"),
        ("/v1/embeddings", {"model": "tiny", "input": "Hello", "stream": True}, "stream"),
    ],
)
def test_a_field_that_is_missing_or_of_the_wrong_type(
    client: Client, path: str, body: dict[str, object], param: str
) -> None:
    answer = client.http.post(path, json=body)
    assert (answer.status_code, code_of(answer)) == (400, "invalid_request")
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (CHAT, {"messages": [{"role": "user", "content": [{"image_url": "http://10.0.0.1/"}]}]}, "media_url_refused"),
        (CHAT, {"messages": [{"content": [{"video_url": {"url": "file:///etc/passwd"}}]}]}, "media_url_refused"),
        ("/v1/responses", {"input": [{"content": [{"file_url": "https://a.b/c.pdf"}]}]}, "media_url_refused"),
        (CHAT, {"messages": json.loads("[" * 101 + "]" * 101)}, "request_too_complex"),
        (CHAT, {"messages": HELLO * 2049}, "request_too_complex"),
        (CHAT, {"messages": HELLO, "tools": [{}] * 129}, "request_too_complex"),
        ("/v1/completions", {"prompt": "Hello", "n": 129}, "request_too_complex"),
        ("/v1/embeddings", {"input": ["a"] * 2049}, "request_too_complex"),
    ],
)
def test_a_body_beyond_bounds(client: Client, path: str, body: dict[str, object], code: str) -> None:
    answer = client.http.post(path, json={"model": "tiny", **body})
    assert (answer.status_code, code_of(answer)) == (400, code)
    assert "setting `requests." in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", [CHAT, "/v1/embeddings"])
def test_a_model_that_is_not_served(client: Client, path: str) -> None:
    body = {"model": "gpt-9", "messages": HELLO, "input": "Hello"}
    answer = client.http.post(path, json=body)
    assert (answer.status_code, code_of(answer)) == (404, "model_not_found")
    assert answer.json()["error"]["param"] == "model"


def test_a_body_that_turns_out_too_large(client: Client) -> None:
    parts = (b" " * 1024 for _ in range(LIMIT // 1024 + 1))
    answer = client.http.post(CHAT, content=parts, headers=JSON)
    assert (answer.status_code, code_of(answer)) == (413, "request_too_large")


@pytest.mark.parametrize("told", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_a_body_of_another_type(client: Client, told: str | None) -> None:
    content = json.dumps({"model": "tiny", "messages": HELLO}).encode()
    answer = client.http.post(CHAT, content=content, headers={"content-type": told} if told else {})
    assert (answer.status_code, code_of(answer)) == (415, "unsupported_media_type")


def test_a_body_that_is_compressed(client: Client) -> None:
    content = gzip.compress(json.dumps({"model": "tiny", "messages": HELLO}).encode())
    answer = client.http.post(CHAT, content=content, headers={**JSON, "content-encoding": "gzip"})
    assert (answer.status_code, code_of(answer)) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", CHAT, 405, "method_not_allowed"),
        ("PUT", FUNCTION, 405, "method_not_allowed"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
        ("DELETE", "/health/live", 405, "method_not_allowed"),
        ("POST", CHAT + "/", 404, "not_found"),
        ("POST", "/v1/audio/speech", 404, "not_found"),
        ("POST", "/v1/functions/Nothing", 404, "function_not_found"),
        ("POST", "/v1/functions/Nothing/stream", 404, "function_not_found"),
        ("GET", "/.env", 404, "not_found"),
        ("POST", "/admin/targets/nobody/drain", 404, "target_not_found"),
    ],
)
def test_a_route_that_is_not_there(
    gateway: Gateway, client: Client, method: str, path: str, status: int, code: str
) -> None:
    answer = client.http.request(method, path, json={} if method in ("POST", "PUT") else None)
    assert (answer.status_code, code_of(answer)) == (status, code)
    name = answer.headers["x-request-id"]
    if path != "/health/live":  # of the open routes the log tells nothing
        line = gateway.wait_for(lambda line: line.get("request_id") == name)
        assert (line["status"], line["code"], line["outcome"]) == (status, code, "refused")
    if status == 405:
        assert answer.headers["allow"]
