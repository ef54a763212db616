"""What each user had of the simulator: tokens that it told, and apart those of answers that broke off."""

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.servers import Simulator
from tests.talk import until

CHAT = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 6, "ignore_eos": True}
STREAM = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator("--speed", "20") as one:
        yield one


def ask(simulator: Simulator, user: str, body: dict[str, Any], path: str = "/v1/chat/completions") -> str:
    return httpx.post(simulator.url + path, json={**body, "user": user}, timeout=20).text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", CHAT),
        ("/v1/chat/completions", STREAM),
        ("/v1/completions", {**STREAM, "messages": None, "prompt": "hello"}),
        ("/v1/responses", {"input": "hello", "max_output_tokens": 6, "stream": True}),
        ("/v1/embeddings", {"input": "hello"}),
    ],
)
def test_what_was_told(simulator: Simulator, path: str, body: dict[str, Any]) -> None:
    given = {name: value for name, value in body.items() if value is not None}
    for user in ("ann", "bob", "ann"):
        ask(simulator, user, given, path)
    state, users = simulator.state(), simulator.users()
    assert {name: (used["told"], used["cut"]) for name, used in users.items()} == {"ann": (2, 0), "bob": (1, 0)}
    assert users["ann"]["prompt_tokens"] == 2 * users["bob"]["prompt_tokens"]
    assert sum(used["prompt_tokens"] for used in users.values()) == state["prompt_tokens"]
    if "embeddings" not in path:
        assert sum(used["completion_tokens"] for used in users.values()) == state["generation_tokens"]


@pytest.mark.parametrize("kind", ["cut", "no_finish", "error_event"])
@pytest.mark.parametrize("body", [CHAT, STREAM], ids=["whole", "stream"])
def test_what_broke_off(simulator: Simulator, kind: str, body: dict[str, Any]) -> None:
    simulator.fault(kind, count=1, after_events=2)
    with contextlib.suppress(httpx.HTTPError):
        ask(simulator, "ann", body)
    used = simulator.users()["ann"]
    whole_all_the_same = kind == "no_finish" and body is CHAT  # it strikes streams alone
    assert (used["told"], used["cut"]) == ((1, 0) if whole_all_the_same else (0, 1))
    assert bool(used["completion_tokens"]) == whole_all_the_same


def test_who_had_the_usage_and_then_nothing_more_was_told(simulator: Simulator) -> None:
    simulator.fault("stall", count=1, after_events=3)
    brief = {**STREAM, "max_tokens": 1, "user": "ann"}
    with httpx.stream("POST", simulator.url + "/v1/chat/completions", json=brief, timeout=20) as answer:
        for line in answer.iter_lines():
            if '"usage":{' in line:
                break
    used = until(lambda: simulator.users().get("ann"))
    assert (used["told"], used["cut"]) == (1, 0)


def test_whose_client_left(simulator: Simulator) -> None:
    long = {**STREAM, "max_tokens": 2000, "user": "ann"}
    with httpx.stream("POST", simulator.url + "/v1/chat/completions", json=long, timeout=20) as answer:
        next(answer.iter_lines())
    used = until(lambda: simulator.users().get("ann"))
    assert (used["told"], used["cut"]) == (0, 1)
    assert 0 < used["cut_completion_tokens"] < 2000


def test_who_names_none_is_nobody(simulator: Simulator) -> None:
    httpx.post(simulator.url + "/v1/chat/completions", json=CHAT, timeout=20)
    assert simulator.users() == {}
