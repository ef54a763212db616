"""The load test tells failed from broken, keeps its connections, and counts time from when a request was due."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from operations.load.line import Body
from operations.load.outcome import Outcome
from operations.load.run import Load, Plan

from tests.operations.verb import Host
from tests.servers import Simulator, free_port


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator("--speed", "20") as one:
        yield one


def load(url: str, **more: object) -> Outcome:
    plan = Plan(url, **{"rate": 40, "seconds": 1, "stream_tokens": 20, "model": "tiny", **more})  # type: ignore[arg-type]
    return asyncio.run(Load(plan).run())


def test_all_is_well(simulator: Simulator) -> None:
    outcome = load(simulator.url)
    assert outcome.whole
    told = outcome.summary()
    assert (told["requests"], told["streams"], told["failed"], told["broken"]) == (40, 20, 0, 0)
    assert told["post_s"]
    assert told["stream_s"]


@pytest.mark.parametrize(
    ("fault", "ended", "how"),
    [
        ({"kind": "status", "status": 500}, "failed", "status 500"),
        ({"kind": "cut", "after_events": 3}, "broken", "cut: closed"),
        ({"kind": "error_event", "after_events": 3}, "broken", "an error in the stream"),
        ({"kind": "no_done"}, "broken", "a stream without [DONE]"),
        ({"kind": "hang"}, "failed", "no whole answer in 0.5 s"),
    ],
)
def test_what_goes_wrong_is_told(simulator: Simulator, fault: dict[str, object], ended: str, how: str) -> None:
    simulator.fault(**fault)  # type: ignore[arg-type]
    outcome = load(simulator.url, streams=1.0, timeout_s=0.5, rate=10)
    assert outcome.count(ended) == 10, outcome.summary()
    assert outcome.summary()["how"] == {how: 10}


def test_one_that_is_away_fails() -> None:
    outcome = load(f"http://127.0.0.1:{free_port()}", rate=5)
    assert outcome.count("failed") == 5


def test_a_slow_server_does_not_slow_the_sender(simulator: Simulator) -> None:
    """Each waits for its own answer: they are sent when they are due."""
    simulator.fault("slow", seconds=1, factor=1)
    outcome = load(simulator.url, streams=0.0)
    due = sorted(sample.due for sample in outcome.samples)
    assert due[-1] - due[0] == pytest.approx(39 / 40, abs=0.01)
    assert min(sample.seconds for sample in outcome.samples) > 1
    assert max(sample.late_s for sample in outcome.samples) < 0.5


def test_connections_are_kept(simulator: Simulator) -> None:
    plan = Plan(simulator.url, 20, 1, streams=0.0, model="tiny")
    one = Load(plan)
    assert asyncio.run(one.run()).whole
    assert len(one._opened) < 10


def test_as_a_command(simulator: Simulator, tmp_path: Path) -> None:
    host = Host(tmp_path, tmp_path)
    words = ("load_test", "--url", simulator.url, "--model", "tiny", "--rate", "20", "--seconds", "1")
    well = host.run(*words, "--stream-seconds", "0.5", "--json", "told.json")
    assert well.code == 0, well.text
    assert json.loads(well.out)["requests"] == 20
    assert len(json.loads((tmp_path / "told.json").read_text())["samples"]) == 20
    simulator.fault("status", status=503, shape="error")
    ill = host.run(*words)
    assert ill.code == 1
    assert "20 failed, 0 broke" in ill.text


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=8), st.data())
def test_a_body_in_chunks_ends_where_it_ends_however_it_is_cut(pieces: list[bytes], data: st.DataObject) -> None:
    raw = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=12)))
    body = Body(None)
    for at, (start, end) in enumerate(itertools.pairwise([0, *cuts, len(raw)])):
        assert not body.done, at
        body.feed(raw[start:end])
    assert body.done
    assert body.tail == b"".join(pieces)[-64:]
