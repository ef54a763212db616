"""What goes in comes out: requests and answers pass through byte for byte, but for what is ours to change."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.gateway import Gateway
from tests.servers import Simulator
from tests.talk import CHAT, HELLO, Client, Json

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
WEATHER = [{"role": "user", "content": "What is the weather in Bergen?"}]
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "n", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}},
}
EXTRAS = {"chat_template_kwargs": {"enable_thinking": False}, "cache_salt": "s", "priority": 1, "nobody_knows": [1.50]}

# Each is one way of asking; what every one has in common is added to it.
CHATS: dict[str, Json] = {
    "plain": {},
    "long_text": {"messages": [{"role": "user", "content": "Größe 😀 \u2028 " * 40}]},
    "several": {"n": 3, "temperature": 1.0},
    "logprobs": {"logprobs": True, "top_logprobs": 3},
    "tools": {"messages": WEATHER, "tools": [TOOL], "max_tokens": 80},
    "forced_tool": {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
    "stop": {"stop": [" a", " e"], "seed": 7, "max_tokens": 60},
    "schema": {"response_format": SCHEMA, "max_tokens": 100},
    "extras": EXTRAS,
    "token_ids": {"return_token_ids": True},
}
OTHERS: dict[str, tuple[str, Json]] = {
    "completions": ("/v1/completions", {"prompt": "Once upon", "max_tokens": 6}),
    "completions_many": ("/v1/completions", {"prompt": ["Once", "Twice"], "n": 2, "max_tokens": 4, "temperature": 1}),
    "completions_logprobs": ("/v1/completions", {"prompt": "Once", "logprobs": 2, "echo": True, "max_tokens": 4}),
    "responses": ("/v1/responses", {"input": "Hello", "max_output_tokens": 6}),
}
ASKED = [(name, CHAT, {"messages": HELLO, "max_tokens": 12, **body}) for name, body in CHATS.items()]
ASKED += [(name, path, body) for name, (path, body) in OTHERS.items()]
EVERY_WAY = pytest.mark.parametrize(("path", "body"), [pytest.param(*rest, id=name) for name, *rest in ASKED])


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    with Simulator("--speed", "100", "--model", "tiny", "--model", "org/real-name") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def gateway(replica: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    here = [{"url": replica.url, "id": "gpu-1"}]
    models = [
        {"name": "tiny", "replicas": here},
        {"name": "support", "aliases": ["gpt-4o", "org/alias"], "served_as": "org/real-name", "replicas": here},
    ]
    with Gateway(tmp_path_factory.mktemp("gateway"), {"models": models}) as process:
        yield process


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[Client]:
    with Client(gateway.url) as client:
        yield client


@pytest.fixture(scope="module")
def direct(replica: Simulator) -> Iterator[Client]:
    with Client(replica.url) as client:
        yield client


def same_but_for_ids(text: str) -> str:
    """Names and times that no two answers share."""
    return re.sub(r'"(id|item_id)":"[^"]*"|"(created|created_at|completed_at)":[0-9.]+', '"":0', text)


def ask(client: Client, path: str, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, str) else json.dumps(body)
    return client.http.post(path, content=content, headers={"content-type": "application/json", **headers})


@EVERY_WAY
def test_an_answer_is_the_replicas_own(client: Client, direct: Client, path: str, body: Json) -> None:
    asked = {"model": "tiny", **body}
    answer, expected = ask(client, path, asked), ask(direct, path, asked)
    assert (answer.status_code, expected.status_code) == (200, 200)
    assert same_but_for_ids(answer.text) == same_but_for_ids(expected.text)


USAGE = {"include_usage": True}
METERED = pytest.mark.parametrize(
    ("path", "body"), [pytest.param(*rest, id=name) for name, *rest in ASKED if name != "responses"]
)


def test_a_stream_of_responses_is_the_replicas_own(client: Client, direct: Client) -> None:
    asked = {"model": "tiny", "input": "Hello", "max_output_tokens": 6, "stream": True}
    answer, expected = ask(client, "/v1/responses", asked), ask(direct, "/v1/responses", asked)
    assert same_but_for_ids(answer.text) == same_but_for_ids(expected.text)


@METERED
@pytest.mark.parametrize("options", [USAGE, {**USAGE, "continuous_usage_stats": True}], ids=["usage", "running"])
def test_a_stream_with_usage_is_the_replicas_own(
    client: Client, direct: Client, path: str, body: Json, options: Json
) -> None:
    asked = {"model": "tiny", "stream": True, "stream_options": options, **body}
    answer, expected = ask(client, path, asked), ask(direct, path, asked)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert same_but_for_ids(answer.text) == same_but_for_ids(expected.text)


@METERED
def test_usage_is_hidden_from_who_did_not_ask(client: Client, direct: Client, path: str, body: Json) -> None:
    asked = {"model": "tiny", "stream": True, **body}
    answer = ask(client, path, asked)
    expected = ask(direct, path, {**asked, "stream_options": USAGE})
    shown = [event for event in expected.text.split("\n\n") if '"choices":[]' not in event]
    assert len(shown) == len(expected.text.split("\n\n")) - 1
    assert same_but_for_ids(answer.text) == same_but_for_ids("\n\n".join(shown))
    assert '"usage"' not in answer.text


def test_embeddings_are_the_replicas_own(client: Client, direct: Client) -> None:
    for given in ("Hello", ["Hello", "there"], [[1, 2, 3]]):
        asked = {"model": "tiny", "input": given}
        answer, expected = ask(client, "/v1/embeddings", asked), ask(direct, "/v1/embeddings", asked)
        assert answer.status_code == 200
        assert same_but_for_ids(answer.text) == same_but_for_ids(expected.text)


@EVERY_WAY
def test_the_replica_reads_what_was_written(client: Client, replica: Simulator, path: str, body: Json) -> None:
    written = json.dumps({"model": "tiny", **body}, indent=1, ensure_ascii=False)
    assert ask(client, path, written).status_code == 200
    assert replica.state()["last"]["text"] == written


def test_of_a_stream_only_the_wish_for_usage_is_added(client: Client, replica: Simulator) -> None:
    written = '{ "model":"tiny" ,"stream":true,"prompt": "Hello","top_k":1.0e1, "max_tokens":2}'
    assert ask(client, "/v1/completions", written).status_code == 200
    added = '"stream_options":{"include_usage":true},'
    assert replica.state()["last"]["text"].replace(added, "", 1) == written


def test_options_of_a_stream_are_kept(client: Client, replica: Simulator) -> None:
    options = {"continuous_usage_stats": False, "include_usage": False, "unknown": 1}
    answer = client.chat(stream=True, stream_options=options)
    assert replica.state()["last"]["body"]["stream_options"] == {**options, "include_usage": True}
    assert '"usage"' not in answer.text


@pytest.mark.parametrize("name", ["support", "gpt-4o", "org/alias"])
def test_a_name_becomes_the_replicas_own(client: Client, replica: Simulator, name: str) -> None:
    text = '{"messages": [{"role": "user", "content": "say \\"model\\": 1"}], "model" : "%s", "max_tokens": 2}'
    answer = ask(client, CHAT, text % name)
    assert replica.state()["last"]["text"] == text % "org/real-name"
    assert answer.json()["model"] == answer.headers["x-penstock-model"] == "org/real-name"


def test_a_name_that_stands_twice_is_read_as_it_is_sent_on(client: Client, replica: Simulator) -> None:
    answer = ask(client, "/v1/completions", '{"model": "tiny", "model": "support", "prompt": "Hello", "max_tokens": 1}')
    assert answer.json()["model"] == "org/real-name"
    assert replica.state()["last"]["text"].count('"model"') == 1
