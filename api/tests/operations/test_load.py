"""The load test tells failed from broken, keeps its connections, and counts time from when a request was due."""

import asyncio
import itertools
import json
import signal
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from operations.errors import StepFailed, TooLittleData
from operations.load.asking import Door, schedule
from operations.load.line import TAIL, Body
from operations.load.outcome import Outcome
from operations.load.run import Limits, Load
from operations.verbs.load_test import judge
from penstock.load.arrivals import constant

from tests.operations.verb import Host
from tests.servers import Simulator, free_port


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator("--speed", "20") as one:
        yield one


def planned(url: str, rate: float = 40, seconds: float = 1, streams: float = 0.5, timeout_s: float = 30) -> Load:
    due = schedule(constant(rate, seconds).even(), repeat((10, 20)), streams)
    return Load(Door(url, "tiny"), due, Limits(timeout_s))


def load(url: str, **more: float) -> Outcome:
    return asyncio.run(planned(url, **more).run())


def test_all_is_well(simulator: Simulator) -> None:
    outcome = load(simulator.url)
    assert outcome.whole
    told = outcome.summary()
    assert (told["requests"], told["streams"], told["failed"], told["broken"]) == (40, 20, 0, 0)
    assert told["post_s"]
    assert told["stream_s"]
    assert told["first_token_s"]
    assert told["tokens"] == 40 * 20


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


def test_a_pause_of_the_server_is_in_the_times_of_all_that_were_due_meanwhile(simulator: Simulator) -> None:
    """A sender that waits for an answer before it sends the next would tell of one slow request."""
    one = planned(simulator.url, seconds=2.5, streams=0)

    async def paused() -> tuple[float, float]:
        running = asyncio.create_task(one.run())
        await asyncio.sleep(0.7)
        simulator.freeze()
        frozen = one.outcome.seconds
        await asyncio.sleep(1)
        thawed = asyncio.get_running_loop().time() - one.outcome.began
        simulator.thaw()
        assert (await running).whole
        return frozen, thawed

    frozen, thawed = asyncio.run(paused())
    waited = [sample for sample in one.outcome.samples if frozen + 0.1 < sample.due < thawed - 0.1]
    assert len(waited) >= 25
    assert all(sample.seconds > thawed - sample.due for sample in waited)
    told = one.outcome.summary()
    assert told["latency_s"]["p90"] > 0.4  # type: ignore[index]
    assert told["in_flight"]["max"] >= 25  # type: ignore[index]


def test_a_sender_that_is_late_itself_says_so(simulator: Simulator) -> None:
    one = planned(simulator.url, 10)
    due = tuple(one.schedule)
    one.schedule = (time.sleep(0.2) or each for each in due)  # type: ignore[func-returns-value]
    outcome = asyncio.run(one.run())
    assert outcome.whole
    assert not outcome.valid
    assert outcome.late_s > 0.15
    with pytest.raises(TooLittleData, match="the sender itself was late"):
        judge(outcome, max_errors=0)


def test_no_more_are_open_than_may_be(simulator: Simulator) -> None:
    simulator.fault("hang")
    one = planned(simulator.url, 20, timeout_s=1.5)
    one.limits = Limits(1.5, in_flight=5)
    told = asyncio.run(one.run()).summary()
    assert told["how"] == {"no whole answer in 1.5 s": 5, "not sent: 5 are open": 15}
    assert min(told["latency_s"].values()) >= 1.5  # type: ignore[attr-defined]


def test_some_may_fail_where_that_was_said(simulator: Simulator) -> None:
    simulator.fault("status", status=500, count=4)
    outcome = load(simulator.url)
    assert outcome.error_rate == pytest.approx(0.1)
    outcome.may_be_late_s = 60
    judge(outcome, max_errors=0.1)
    with pytest.raises(StepFailed, match="4 failed, 0 broke of 40"):
        judge(outcome, max_errors=0.09)


def test_connections_are_kept(simulator: Simulator) -> None:
    one = planned(simulator.url, 20, streams=0)
    assert asyncio.run(one.run()).whole
    assert len(one._opened) < 10


def test_as_a_command(simulator: Simulator, tmp_path: Path) -> None:
    host = Host(tmp_path, tmp_path)
    words = (
        "load_test",
        "--url",
        simulator.url,
        "--model",
        "tiny",
        "--rate",
        "20",
        "--seconds",
        "1",
        "--max-late",
        "9999",
    )
    well = host.run(*words, "--answer-tokens", "5", "--json", "told.json")
    assert well.code == 0, well.text
    assert json.loads(well.out)["requests"] == 20
    assert len(json.loads((tmp_path / "told.json").read_text())["samples"]) == 20
    simulator.fault("status", status=503, shape="error")
    ill = host.run(*words)
    assert ill.code == 1
    assert "20 failed, 0 broke" in ill.text


def test_ctrl_c_tells_of_what_was_until_then(simulator: Simulator, tmp_path: Path) -> None:
    simulator.fault("slow", seconds=3, factor=1)
    words = ("load_test", "--url", simulator.url, "--model", "tiny", "--rate", "10", "--seconds", "60")
    verb = Host(tmp_path, tmp_path).start(*words, "--progress", "0.5", "--report", "told")
    verb.wait_for("open, p50")
    verb.process.send_signal(signal.SIGINT)
    assert verb.wait().code == 128 + signal.SIGINT
    told = json.loads(verb.out)
    assert 0 < told["requests"] < 600
    assert told["unfinished"] > 0
    assert (tmp_path / "told/load.html").exists()


def test_a_dry_run_sends_nothing(tmp_path: Path) -> None:
    shown = Host(tmp_path, tmp_path).run("load_test", "--url", "http://127.0.0.1:9", "--rate", "20", "--dry-run")
    assert shown.code == 0
    assert shown.out.startswith("600 requests in 30 s, such as:\nPOST /v1/chat/completions HTTP/1.1")


def test_an_event_without_words_is_no_token_and_the_usage_is_read() -> None:
    body = Body(None)
    events = [
        b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n',
        b'data: {"choices":[{"delta":{"con',
        b'tent":"Hello"}}]}\n\n',
        b'data: {"choices":[],"usage":{"prompt_tokens":3,"total_tokens":10,"completion_tokens":7}}\n\ndata: [DONE]\n\n',
    ]
    seen = []
    for event in events:
        body.feed(b"%x\r\n%b\r\n" % (len(event), event))
        seen.append(body.token)
    assert seen == [False, False, True, True]
    assert (body.tokens, body.error, body.done) == (7, False, False)


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=8), st.data())
def test_a_body_in_chunks_ends_where_it_ends_however_it_is_cut(pieces: list[bytes], data: st.DataObject) -> None:
    raw = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=12)))
    body = Body(None)
    for at, (start, end) in enumerate(itertools.pairwise([0, *cuts, len(raw)])):
        assert not body.done, at
        body.feed(raw[start:end])
    assert body.done
    assert body.tail == b"".join(pieces)[-TAIL:]
