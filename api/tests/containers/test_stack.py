"""The laptop's stack, up by one command: healthy, streaming over TLS, shut to the outside, drained by `docker stop`."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.stack import Stack
from tests.talk import CHAT, HELLO, events, told, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def chat(tokens: int, **fields: Any) -> dict[str, Any]:
    return {"model": "chat", "messages": HELLO, "max_tokens": tokens, "ignore_eos": True, **fields}


def test_all_of_it_is_up_and_healthy(stack: Stack) -> None:
    states = {name: each["State"] for name, each in stack.containers().items()}
    assert {"edge", "api-blue-1", "api-blue-2", "api-blue-3", "vllm-1", "vllm-2", "cloud", "redis"} <= set(states)
    assert {name for name, state in states.items() if state["Status"] != "running"} == set()
    assert {state["Health"]["Status"] for state in states.values() if "Health" in state} == {"healthy"}
    assert {name for name, state in states.items() if "Health" not in state} == {
        "nginx-exporter",
        "redis-exporter",
        "node-exporter",
    }


def test_a_stream_over_tls_is_not_held_back(stack: Stack) -> None:
    """The simulator makes 50 tokens a second: were they buffered anywhere, they would come together."""
    with stack.client() as client, client.stream("POST", CHAT, json=chat(100, stream=True)) as stream:
        assert stream.status_code == 200
        assert stream.headers["x-penstock-target"] in {"vllm-1", "vllm-2"}
        came = [(time.monotonic(), line) for line in stream.iter_lines() if line.startswith("data: ")]
    assert came[-1][1] == "data: [DONE]"
    first, last = came[0][0], came[-1][0]
    assert last - first > 1.2
    early = [at for at, _ in came if at < first + (last - first) / 2]
    assert 30 < len(early) < 70


def test_keys_and_tls_are_asked_for(stack: Stack) -> None:
    with stack.client() as client:
        assert client.post(CHAT, json=chat(1), headers={"authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/metrics").status_code == 404
    plain = httpx.get(f"{stack.plain_url}/v1/models")
    assert plain.status_code in {301, 308}
    assert plain.headers["location"].startswith("https://")


def test_what_runs_is_held_in_and_only_the_edge_is_published(stack: Stack) -> None:
    published = set()
    for name, container in stack.containers().items():
        host = container["HostConfig"]
        assert host["Memory"] > 0, name
        assert host["NanoCpus"] > 0, name
        assert host["PidsLimit"] > 0, name
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert host["RestartPolicy"]["Name"] == "unless-stopped", name
        assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "5", "max-size": "10m"}}, name
        published |= {name} if host["PortBindings"] else set()
    assert published == {"edge"}


def test_secrets_are_in_no_environment(stack: Stack) -> None:
    with stack.client() as client:
        key = client.headers["authorization"].removeprefix("Bearer ")
    containers = stack.containers()
    assert not any(key in str(container["Config"]) for container in containers.values())


def test_prometheus_reads_everything_that_runs(stack: Stack) -> None:
    def down() -> set[str]:
        return {each["instance"] for each in up(stack) if each["up"] == "0"}

    idle = {f"api-green-{slot}" for slot in (1, 2, 3)}
    until(lambda: down() == idle, 30)
    blue = {each["slot"]: each["instance"] for each in up(stack) if each.get("colour") == "blue"}
    assert blue == {slot: f"api-blue-{slot}" for slot in "123"}


def test_prometheus_evaluates_the_rules(stack: Stack) -> None:
    query = "promtool query instant http://127.0.0.1:9090 plan:penstock_errors_per_request:ratio".split()
    until(lambda: "=> 0.05 " in stack.compose("exec", "-T", "prometheus", *query), 60)


def bring_up(stack: Stack, *services: str) -> None:
    stack.compose("up", "--detach", "--no-build", "--no-deps", "--wait", *services)


def up(stack: Stack) -> list[dict[str, str]]:
    query = "promtool query instant http://127.0.0.1:9090 up".split()
    lines = stack.compose("exec", "-T", "prometheus", *query).splitlines()
    found = []
    for line in lines:  # up{colour="blue", ...} => 1 @[...]
        labels, _, value = line.removeprefix("up{").partition("} => ")
        pairs = dict(pair.split("=", 1) for pair in labels.split(", "))
        found.append({name: text.strip('"') for name, text in pairs.items()} | {"up": value.split()[0]})
    return found


def test_when_the_pool_is_gone_the_cloud_answers(stack: Stack) -> None:
    stack.compose("stop", "--timeout", "1", "vllm-1", "vllm-2")
    try:
        with stack.client() as client:
            answer = client.post(CHAT, json=chat(5))
        assert answer.status_code == 200
        assert answer.headers["x-penstock-target"] == "openai"
    finally:
        bring_up(stack, "vllm-1", "vllm-2")


def test_an_instance_that_starts_can_be_stopped(stack: Stack) -> None:
    """By SIGTERM, long before it would be killed."""
    stack.compose("up", "--detach", "--no-build", "--no-deps", "--force-recreate", "api-blue-3")
    try:
        stack.compose("stop", "api-blue-3")
        assert stack.container("api-blue-3")["State"]["ExitCode"] in {0, 128 + signal.SIGTERM}
    finally:
        bring_up(stack, "api-blue-3")


def test_docker_stop_cuts_no_stream(stack: Stack) -> None:
    """With one slot left the stream is there; stopped, it drains, and ends with 0 when the stream has ended."""
    stack.compose("stop", "api-blue-1", "api-blue-2")
    try:
        with ThreadPoolExecutor(1) as pool, stack.client() as client:
            with client.stream("POST", CHAT, json=chat(250, stream=True)) as stream:
                lines = stream.iter_lines()
                began = [next(lines)]
                stopping = pool.submit(stack.compose, "stop", "api-blue-3")
                text = "\n".join([*began, *lines])
            stopping.result()
        log = stack.compose("logs", "--no-log-prefix", "api-blue-3").splitlines()
        (draining,) = [line for line in log if '"draining"' in line]
        assert '"open_requests":1' in draining
        assert len(told(text).split()) > 200
        assert events(text)[-1] == "[DONE]"
        for slot in (1, 2, 3):
            assert stack.container(f"api-blue-{slot}")["State"]["ExitCode"] == 0
    finally:
        stack.compose(
            "up", "--detach", "--no-build", "--no-deps", "--wait", *(f"api-blue-{slot}" for slot in (1, 2, 3))
        )
