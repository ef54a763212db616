"""Replicas found by a name, in a real resolver's answers: they come and go while the gateway serves."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.edge.name_server import NameServer
from tests.gateway import Gateway
from tests.servers import Simulator, free_port
from tests.talk import Client, until

NAME = "vllm.penstock.svc"
RESOLVED_BY = "127.0.53.1"
FAST = {"interval_s": 0.1, "lookup_s": 0.1}


@pytest.fixture
def names() -> Iterator[NameServer]:
    if os.geteuid() != 0:
        pytest.skip("for want of root")  # for port 53, and for a resolv.conf of the gateway's own
    with NameServer({NAME: "127.0.0.2"}, (RESOLVED_BY, 53)) as server:
        yield server


@contextmanager
def serving(folder: Path, port: int) -> Iterator[tuple[Gateway, Client]]:
    """A gateway that knows its replicas by the name, and asks the name server of this test."""
    own = folder / "resolv.conf"
    own.write_text(f"nameserver {RESOLVED_BY}\noptions timeout:1 attempts:1\n")

    class Apart(Gateway):
        before = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(own))

    replica = {"url": f"http://{NAME}:{port}", "each_address": True}
    settings = {"models": [{"name": "tiny", "replicas": [replica]}], "watch": FAST}
    with Apart(folder, settings) as gateway, Client(gateway.url) as client:
        yield gateway, client


def test_replicas_come_and_go_by_dns_without_a_restart(tmp_path: Path, names: NameServer) -> None:
    port = free_port()
    one, two = f"127.0.0.2:{port}", f"127.0.0.3:{port}"
    with (
        Simulator("--host", "127.0.0.2", port=port),
        Simulator("--host", "127.0.0.3", port=port) as second,
        serving(tmp_path, port) as (gateway, client),
    ):
        assert set(client.targets()) == {one}
        names.names[NAME] = "127.0.0.2 127.0.0.3"
        until(lambda: set(client.targets()) == {one, two})
        until(lambda: {client.chat().headers["x-penstock-target"] for _ in range(4)} == {one, two})

        with ExitStack() as open_streams:
            streams = [open_streams.enter_context(client.streaming(max_tokens=100)) for _ in range(6)]
            assert {stream.headers["x-penstock-target"] for stream in streams} == {one, two}
            names.names[NAME] = "127.0.0.3"
            until(lambda: set(client.targets()) == {two})
            assert all("[DONE]" in stream.read().decode() for stream in streams)
        assert client.chat().headers["x-penstock-target"] == two

        for trouble in ({}, {NAME: ""}):  # no such name; no address
            names.names = trouble
            gateway.wait_for(lambda line: line["event"] == "name looked up" and line["addresses"] is None)
            assert client.chat().headers["x-penstock-target"] == two
        names.silent = True
        assert client.chat().headers["x-penstock-target"] == two
        second.kill()
        assert client.chat().status_code in (502, 503)
        assert not gateway.stray
