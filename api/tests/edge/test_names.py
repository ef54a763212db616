"""Peers by name: the edge asks for their addresses itself, again and again."""

from collections.abc import Iterator

import pytest

from tests.edge.conftest import Fleet, MakeEdge
from tests.edge.name_server import NameServer
from tests.talk import until


@pytest.fixture
def names() -> Iterator[NameServer]:
    with NameServer({}) as server:
        yield server


def port_of(fleet: Fleet, at: int) -> str:
    return fleet.addresses[at].rpartition(":")[2]


def test_a_name_is_a_peer_as_soon_as_it_resolves(make_edge: MakeEdge, fleet: Fleet, names: NameServer) -> None:
    peers = {"blue": [f"api-blue-1:{port_of(fleet, 0)}"], "green": [f"api-green-1.test:{port_of(fleet, 1)}"]}
    edge = make_edge(peers, EDGE_RESOLVER=names.address)
    assert edge.up() == set()
    assert edge.said("api-blue-1 does not resolve")
    assert edge.peers()["api-blue-1"]["address"] is None
    names.names["api-blue-1"] = "127.0.0.1"
    until(lambda: edge.up() == {"api-blue-1"}, 3)
    assert edge.peers()["api-blue-1"]["address"] == f"127.0.0.1:{port_of(fleet, 0)}"
    with edge.client() as client:
        assert client.chat(max_tokens=1).status_code == 200
    names.names["api-green-1.test"] = "127.0.0.1"
    until(lambda: edge.up() == {"api-blue-1", "api-green-1.test"}, 3)
    del names.names["api-blue-1"]
    until(lambda: edge.up() == {"api-green-1.test"}, 3)
    with edge.client() as client:
        assert client.chat(max_tokens=1).status_code == 200


def test_a_name_that_moves_is_followed(make_edge: MakeEdge, fleet: Fleet, names: NameServer) -> None:
    names.names["api-blue-1"] = "127.0.0.1"
    edge = make_edge({"blue": [f"api-blue-1:{port_of(fleet, 0)}"]}, EDGE_RESOLVER=names.address)
    until(lambda: edge.up() == {"api-blue-1"})
    names.names["api-blue-1"] = "127.0.0.2"
    until(lambda: edge.peers()["api-blue-1"]["address"].startswith("127.0.0.2:"), 3)
    until(lambda: edge.up() == set(), 3)


def test_a_silent_name_server_takes_nobody_out(make_edge: MakeEdge, fleet: Fleet, names: NameServer) -> None:
    names.names["api-blue-1"] = "127.0.0.1"
    edge = make_edge({"blue": [f"api-blue-1:{port_of(fleet, 0)}"]}, EDGE_RESOLVER=names.address)
    until(lambda: edge.up() == {"api-blue-1"})
    names.silent = True
    edge.told.clear()
    with edge.client() as client:
        for _ in range(20):  # three seconds and more
            assert client.chat(max_tokens=32, min_tokens=32, ignore_eos=True).status_code == 200
    assert not edge.said("is down")
