"""Shares split the requests, are shifted without a reload and without loss, and survive a restart."""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.edge.conftest import Fleet, MakeEdge
from tests.edge.edge import Edge
from tests.figures import Figures
from tests.load.traffic import WELL, Traffic, outcomes
from tests.servers import free_port
from tests.talk import Json, until

ALL_BLUE: Json = {"blue": 100, "green": 0}


@pytest.fixture(scope="module")
def two_colours(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    blue, green = fleet.addresses[:2], fleet.addresses[2:]
    with Edge(tmp_path_factory.mktemp("colours"), {"blue": blue, "green": green}) as edge:
        yield edge


def counted(edge: Edge, mark: str, count: int) -> Counter[str]:
    """How many of so many requests each colour got."""
    with edge.client() as client:
        for number in range(count):
            answer = client.http.get("/health/live", headers={"x-request-id": f"{mark}-{number}"})
            assert answer.status_code == 200
    edge.wait_for(lambda line: line["request_id"] == f"{mark}-{count - 1}")
    return Counter(line["colour"] for line in tuple(edge.lines) if line["request_id"].startswith(f"{mark}-"))


@pytest.mark.parametrize("green", [0, 5, 50, 100])
def test_each_colour_gets_its_share(two_colours: Edge, green: int) -> None:
    two_colours.shares(blue=100 - green, green=green)
    count = 1500
    got = counted(two_colours, f"share{green}", count)["green"]
    deviation = math.sqrt(count * green / 100 * (1 - green / 100))
    assert abs(got - count * green / 100) <= 4.5 * deviation


def test_the_metrics_tell_it(two_colours: Edge) -> None:
    two_colours.shares(blue=75, green=25)
    before = two_colours.samples()
    counted(two_colours, "metrics", 100)
    after = two_colours.samples()
    assert after['edge_share{colour="blue"}'] == 75
    assert after['edge_share{colour="green"}'] == 25
    names = [f'edge_requests_total{{colour="{colour}",status="2xx"}}' for colour in ("blue", "green")]
    assert sum(after[name] - before[name] for name in names) == 100
    assert all(value == 1 for name, value in after.items() if name.startswith("edge_peer_up"))


def test_a_colour_without_an_instance_is_served_by_the_other(make_edge: MakeEdge, fleet: Fleet) -> None:
    edge = make_edge({"blue": fleet.addresses, "green": [f"127.0.0.1:{free_port()}"]})
    assert edge.put("/shares?force=1", {"blue": 0, "green": 100}).status_code == 200
    assert counted(edge, "other", 20) == {"blue": 20}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"blue": 50, "green": 49}, "sum to 99"),
        ({"blue": 150, "green": -50}, "no whole percentage"),
        ({"blue": 50.5, "green": 49.5}, "no whole percentage"),
        ({"blue": "100"}, "no whole percentage"),
        ({"blue": 50, "red": 50}, "no colour red"),
        ({}, "sum to 0"),
        ([100], "no colour 1"),
        ("{", "an object"),
        ("", "an object"),
        ({"green": 100}, "green has no peer that is up"),
    ],
)
def test_shares_that_cannot_be_are_refused(make_edge: MakeEdge, fleet: Fleet, body: object, why: str) -> None:
    edge = make_edge({"blue": fleet.addresses, "green": [f"127.0.0.1:{free_port()}"]})
    refused = edge.put("/shares", body)
    assert refused.status_code == 422
    assert why in refused.json()["error"]
    assert edge.state()["shares"] == ALL_BLUE


def test_what_is_set_survives_a_restart(make_edge: MakeEdge, fleet: Fleet) -> None:
    edge = make_edge({"blue": fleet.addresses[:2], "green": fleet.addresses[2:]})
    assert edge.state()["shares"] == ALL_BLUE
    edge.shares(blue=30, green=70)
    edge.put(f"/peers/{fleet.addresses[1]}", {"drained": True})
    edge.stop()
    edge.start()
    assert edge.state()["shares"] == {"blue": 30, "green": 70}
    assert [name for name, peer in edge.peers().items() if peer["drained"]] == [fleet.addresses[1]]


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "{",
        "[]",
        '{"shares": {"blue": 10, "green": 10}, "drained": {}}',
        '{"shares": {"red": 100}, "drained": {}}',
        '{"shares": {"blue": 100}}',
        '{"shares": {"blue": 100}, "drained": 7}',
        "\0" * 4096,
    ],
)
def test_a_bad_file_is_told_and_ignored(make_edge: MakeEdge, fleet: Fleet, tmp_path: Path, kept: str) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/state.json").write_text(kept)
    edge = make_edge({"blue": fleet.addresses[:2], "green": fleet.addresses[2:]})
    assert edge.state()["shares"] == ALL_BLUE
    assert edge.said("the kept state is ignored")
    edge.shares(green=100)
    assert json.loads((tmp_path / "state/state.json").read_text())["shares"] == {"blue": 0, "green": 100}


def test_what_cannot_be_kept_is_not_set(make_edge: MakeEdge, fleet: Fleet, tmp_path: Path) -> None:
    edge = make_edge({"blue": fleet.addresses[:2], "green": fleet.addresses[2:]})
    (tmp_path / "state/state.json.new").mkdir()
    failed = edge.put("/shares", {"green": 100})
    assert (failed.status_code, "directory" in failed.json()["error"]) == (500, True)
    assert edge.state()["shares"] == ALL_BLUE


@pytest.mark.slow
async def test_switching_under_load_loses_nothing(two_colours: Edge, figures: Figures) -> None:
    """Keep-alive POSTs, half of them streams; each shift is one request to the control port."""
    two_colours.shares(blue=100)
    shifts = 0
    async with Traffic(two_colours.url, max_tokens=100, clients=8) as traffic:
        tasks = []
        for green in (100, 0, 5, 25, 50, 100, 0, 100, 50, 0):
            tasks += await traffic.flow(60, 1)
            await asyncio.to_thread(two_colours.shares, blue=100 - green, green=green)
            shifts += 1
        tasks += await traffic.flow(60, 1)
        results = await asyncio.gather(*tasks)
    assert outcomes(results) == {WELL: len(results)}
    figures(requests=len(results), shifts=shifts)


async def test_a_stream_that_runs_is_not_touched_by_a_switch(two_colours: Edge) -> None:
    two_colours.shares(blue=100)
    with two_colours.client() as client, client.streaming(max_tokens=200, min_tokens=200, ignore_eos=True) as answer:
        parts = answer.iter_text()
        text = next(parts)
        two_colours.shares(green=100)
        text += "".join(parts)
    assert text.rstrip().endswith("data: [DONE]")


def test_control_is_for_this_machine_only(two_colours: Edge) -> None:
    """It listens on 127.0.0.1; neither the public port nor that of the metrics leads there."""
    port = two_colours.ports["EDGE_CONTROL_PORT"]
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    assert {line[1] for line in listening if line[3] == "0A" and int(line[1].split(":")[1], 16) == port} == {
        f"0100007F:{port:04X}"
    }
    with two_colours.client() as client:
        for path in ("/edge", "/status", "/edge/shares"):
            assert client.http.get(path).status_code == 404
            assert client.http.put(path, json={"green": 100}).status_code == 404
    with httpx.Client(base_url=two_colours.metrics, trust_env=False) as client:
        assert client.get("/edge").status_code == 404
        assert client.put("/edge/shares", json={"green": 100}).status_code == 405


def test_what_control_does_not_know(two_colours: Edge) -> None:
    assert two_colours.put("/peers/nobody", {"drained": True}).status_code == 404
    assert two_colours.put(f"/peers/{next(iter(two_colours.peers()))}", {"drained": 1}).status_code == 422
    assert two_colours.put("/nothing", {}).status_code == 404
    until(
        lambda: httpx.get(f"http://127.0.0.1:{two_colours.ports['EDGE_CONTROL_PORT']}/status").text.startswith("Active")
    )
