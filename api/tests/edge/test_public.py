"""What clients see of the edge: TLS, http2, redirects, headers, ids, streams, and what is not there for them."""

import asyncio
import itertools
import json
import socket
import ssl
import subprocess
import time
import warnings
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.edge.conftest import Fleet, MakeEdge
from tests.edge.edge import Edge, trusting
from tests.edge.scripted import Scripted
from tests.talk import HELLO, Client, Json, code_of, events, everything, until
from tests.wire import CHUNKED, Peer, Wire, chunk

HIDDEN = ["/metrics", "/admin/targets", "/sim/state", "/metrics/", "/admin", "/nothing", "/health"]
ODD = [
    "//metrics",
    "/%6detrics",
    "/v1/../metrics",
    "/v1/%2e%2e/metrics",
    "/v1/..%2fmetrics",
    "/v1/models/../../admin/targets",
    "/./metrics",
    "/%2fmetrics",
    "/docs/../metrics",
    "/admin/targets/..%2f..%2fv1%2fmodels",
    "/metrics/../v1/models",
    "/metrics?/v1/",
    "/metrics;/v1/",
    "/%256detrics",
    "http://127.0.0.1/metrics",
    "http://127.0.0.1/v1/../admin/targets",
    "/ADMIN/targets",
    "/Metrics",
    "/%61dmin/targets",
    "/%41DMIN/targets",
    "//admin/targets",
    "/.//admin/targets",
    "/v1//../admin/targets",
    "/v1/./../admin/targets",
    "/v1/x/..%2f..%2fadmin/targets",
    "/v1/%2e%2e%2fadmin%2ftargets",
    "/v1/.%2e/admin/keys",
    "/admin;/v1/models",
    "/admin%2ftargets",
    "/admin/..%2fadmin/keys",
    "/health/../admin/keys",
    "/health/ready/../../admin/keys",
    "/docs/%2e%2e/admin/keys",
    "/openapi.json/../admin/keys",
    "/sim",
    "/sim/fault",
    "/v1/../sim/state",
    "/%73im/state",
    "/edge",
    "/status",
    "/.well-known/../admin/keys",
]
INNER = [
    "/v1/..;/admin/targets",
    "/v1/%252e%252e/admin/targets",
    "/v1/..\\admin",
    "/v1/admin/targets",
    "/v1/models?/../admin",
]
"""What stays under /v1 in every reading, and is nothing there."""


def raw(edge: Edge, target: str, mark: str = "raw") -> tuple[int, bytes]:
    """Asked for exactly as it is written, over TLS: status and body."""
    plain = socket.create_connection(("127.0.0.1", edge.port), 10)
    with trusting().wrap_socket(plain) as connection:
        head = f"GET {target} HTTP/1.1\r\nHost: edge\r\nX-Request-Id: {mark}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        answer, _, body = everything(connection).partition(b"\r\n\r\n")
    return int(answer.split()[1]), body


@pytest.mark.parametrize("path", HIDDEN + ODD)
def test_what_is_inside_is_not_reachable(edge: Edge, fleet: Fleet, path: str) -> None:
    mark = f"hidden-{(HIDDEN + ODD).index(path)}"
    status, body = raw(edge, path, mark)
    assert status == 404
    assert json.loads(body)["error"]["code"] == "not_found"
    assert edge.wait_for(lambda line: line["request_id"] == mark)["upstream"] == "", "no instance saw it"


@pytest.mark.parametrize("path", INNER)
def test_what_only_looks_like_it_is_not_there_either(edge: Edge, fleet: Fleet, path: str) -> None:
    status, body = raw(edge, path, f"inner-{INNER.index(path)}")
    assert (status, b"in_flight" in body) in ((404, False), (200, False))
    assert [line for each in fleet.gateways for line in each.requests() if line["surface"] == "admin"] == []


@pytest.mark.parametrize("path", ["/", "/status/events"])
def test_who_sees_the_status_page_is_the_instance_s_affair(edge: Edge, path: str) -> None:
    status, body = raw(edge, path)
    assert (status, json.loads(body)["error"]["code"]) == (403, "status_page_closed")


@pytest.mark.parametrize("path", ["/v1/models", "/v1/functions", "/docs", "/openapi.json", "/health/ready?a=/.."])
def test_what_is_public_is(edge: Edge, path: str) -> None:
    assert raw(edge, path)[0] == 200


def test_http_is_redirected_with_its_method(edge: Edge) -> None:
    with httpx.Client(trust_env=False) as client:
        answer = client.post(f"{edge.plain}/v1/models?a=b", json={})
    assert answer.status_code == 308
    assert answer.headers["location"] == f"{edge.url}/v1/models?a=b"


def test_http_on_the_port_of_https_is_redirected(edge: Edge) -> None:
    with httpx.Client(trust_env=False) as client:
        answer = client.get(f"http://127.0.0.1:{edge.port}/v1/models")
    assert (answer.status_code, answer.headers["location"]) == (308, f"{edge.url}/v1/models")


@pytest.mark.parametrize(("version", "served"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_tls_is_of_1_2_or_newer(edge: Edge, version: str, served: bool) -> None:
    context = trusting()
    with warnings.catch_warnings(action="ignore"):  # Python too thinks that 1.1 is old
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion[version]
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", edge.port), 10) as plain:
        if served:
            with context.wrap_socket(plain) as connection:
                assert connection.version() == version.replace("_", ".")
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(plain)


def test_http2_is_spoken(edge: Edge, require: Callable[[str], str]) -> None:
    body = json.dumps({"model": "tiny", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3})
    command = [require("curl"), "-sk", "--http2", "-w", " %{http_version}", "-H", "content-type: application/json"]
    answer = subprocess.run(
        [*command, "-d", body, f"{edge.url}/v1/chat/completions"], capture_output=True, text=True, check=True
    )
    told, _, version = answer.stdout.rpartition(" ")
    assert version == "2"
    assert json.loads(told)["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize("path", ["/v1/models", "/metrics"])
def test_the_headers_stand_on_answers_and_on_errors(edge: Edge, path: str) -> None:
    with edge.client() as client:
        answer = client.http.get(path)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["server"] == "nginx"


@pytest.mark.parametrize("sent", ["mine-1.a_b", "x" * 128])
def test_a_sane_id_is_kept(edge: Edge, fleet: Fleet, sent: str) -> None:
    with edge.client() as client:
        answer = client.chat(headers={"x-request-id": sent}, max_tokens=1)
    assert answer.headers.get_list("x-request-id") == [sent]
    edge.wait_for(lambda line: line["request_id"] == sent)


@pytest.mark.parametrize("sent", [None, "", "two words", "x" * 129, '"},{"', "ü".encode()])
def test_any_other_id_is_made_anew_and_told_inside(edge: Edge, fleet: Fleet, sent: Any) -> None:
    headers = {} if sent is None else {"x-request-id": sent}
    with edge.client() as client:
        answer = client.chat(headers=headers, max_tokens=1)
    (made,) = answer.headers.get_list("x-request-id")
    assert len(made) == 32
    line = edge.wait_for(lambda line: line["request_id"] == made)
    asked = next(gateway for gateway in fleet.gateways if gateway.url.endswith(line["peer"]))
    asked.wait_for(lambda line: line.get("request_id") == made)


def test_a_line_of_the_log_tells_where_the_time_went(edge: Edge) -> None:
    with edge.client("sk-secret") as client:
        client.http.get("/v1/models?api_key=sk-query", headers={"x-request-id": "timed"})
    line = edge.wait_for(lambda line: line["request_id"] == "timed")
    assert (line["method"], line["path"], line["status"], line["colour"]) == ("GET", "/v1/models", 200, "blue")
    assert line["upstream"] == line["peer"]
    times = [float(line["upstream_connect_s"]), float(line["upstream_header_s"]), line["seconds"] + 0.002]
    assert times == sorted(times)  # but for how nginx rounds
    assert "sk-" not in json.dumps(line)


def test_a_stream_is_not_held_back(edge: Edge, fleet: Fleet) -> None:
    arrived = []
    with edge.client() as client, client.streaming(max_tokens=200, min_tokens=200, ignore_eos=True) as answer:
        for part in answer.iter_text():
            arrived += [time.monotonic()] * len(events(part))
    assert len(arrived) > 200
    between = arrived[-1] - arrived[0]
    assert between > 0.8, "the first event came with the last"
    assert max(b - a for a, b in itertools.pairwise(arrived)) < between / 2, "they came in lumps"


def test_a_stream_over_http2_is_not_held_back(edge: Edge, fleet: Fleet, require: Callable[[str], str]) -> None:
    asked = {
        "model": "tiny",
        "messages": HELLO,
        "stream": True,
        "max_tokens": 200,
        "min_tokens": 200,
        "ignore_eos": True,
    }
    command = [require("curl"), "-skN", "--http2", "-H", "content-type: application/json", "-d", json.dumps(asked)]
    with subprocess.Popen([*command, f"{edge.url}/v1/chat/completions"], stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout is not None
        arrived = [time.monotonic() for line in curl.stdout if line.startswith("data: ")]
    assert len(arrived) > 200
    assert arrived[-1] - arrived[0] > 0.8


async def test_what_an_instance_writes_is_read_before_it_writes_more(make_edge: MakeEdge) -> None:
    """Byte by byte, whether or not it asks for that."""
    was_read = asyncio.Event()

    async def in_steps(peer: Peer, head: bytes) -> None:
        await peer.send(CHUNKED)
        for _ in range(5):
            was_read.clear()
            await peer.send(chunk(b"."))
            await was_read.wait()
        await peer.send(chunk(b""))

    async with Wire(Scripted(in_steps).script) as wire:
        edge = await asyncio.to_thread(make_edge, {"blue": [f"127.0.0.1:{wire.origin.port}"]})
        async with (
            asyncio.timeout(10),
            httpx.AsyncClient(verify=trusting(), trust_env=False) as client,
            client.stream("POST", f"{edge.url}/v1/chat/completions", json={}) as answer,
        ):
            async for part in answer.aiter_raw():
                assert part == b"."
                was_read.set()


def test_a_client_that_leaves_is_gone_everywhere(edge: Edge, fleet: Fleet) -> None:
    aborted = fleet.replica.state()["aborted"]
    with edge.client() as client, client.streaming(max_tokens=4000, min_tokens=4000, ignore_eos=True) as answer:
        next(answer.iter_text())
    until(lambda: fleet.replica.state()["aborted"] == aborted + 1, 2)
    until(lambda: {peer["in_flight"] for peer in edge.peers().values()} == {0})
    assert edge.up() == set(fleet.addresses)


def test_the_answer_is_the_instance_s_byte_for_byte(edge: Edge, fleet: Fleet) -> None:
    asked: Json = {"max_tokens": 5, "seed": 7}
    with edge.client() as through, Client(fleet.gateways[0].url) as direct:
        assert through.chat(**asked).json()["choices"] == direct.chat(**asked).json()["choices"]
        refused = through.chat("none")
        assert (refused.status_code, code_of(refused)) == (404, "model_not_found")
