"""Spans are gathered and sent together; they are tried again, given up, dropped, and each of it is counted."""

import asyncio
from contextlib import suppress

import pytest
from penstock.telemetry import exporter
from penstock.telemetry.exporter import BATCH, WAITING, Answer, Bundle, Exporter
from penstock.telemetry.families import Counters

OK, LATER, NEVER = Answer(""), Answer("HTTP 503", later=True), Answer("HTTP 400")


class Desk:
    """An exporter, what it sent and how much, and what was said of the collector."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = [*answers]
        self.sent: list[bytes] = []
        self.moves: list[tuple[bool, str]] = []
        self.hangs = False
        self.asked = asyncio.Event()
        self._counts = Counters("spans", "Spans.", ("fate",))
        self.exporter = Exporter(
            self._send, 0.001, (b"[", b"]"), self._counts, lambda up, why: self.moves.append((up, why))
        )

    async def _send(self, body: bytes) -> Answer:
        self.sent.append(body)
        self.asked.set()
        if self.hangs:
            await asyncio.Event().wait()
        return self._answers.pop(0) if self._answers else OK

    def put(self, count: int = 1) -> None:
        for _ in range(count):
            self.exporter.put(Bundle(b"ab", 2))

    @property
    def counted(self) -> dict[str, float]:
        return {fate: counter.value for (fate,), counter in self._counts.items() if counter.value}

    async def until_idle(self) -> None:
        run = asyncio.create_task(self.exporter.run())
        while self.exporter.waiting:  # noqa: ASYNC110  # it is over in a moment
            await asyncio.sleep(0.001)
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr(exporter, "FLUSH_S", 0.05)


async def test_what_is_gathered_is_sent_together() -> None:
    desk = Desk()
    desk.put(3)
    await desk.until_idle()
    assert desk.sent == [b"[ab,ab,ab]"]
    assert desk.counted == {"exported": 6}
    assert desk.moves == []


async def test_a_batch_has_its_size() -> None:
    desk = Desk()
    desk.put(BATCH + 1)
    await desk.until_idle()
    assert [body.count(b"ab") for body in desk.sent] == [BATCH, 1]


async def test_what_the_collector_cannot_take_now_is_tried_again() -> None:
    desk = Desk(LATER, LATER, OK)
    desk.put()
    await desk.until_idle()
    assert (len(desk.sent), desk.counted) == (3, {"exported": 2})
    assert desk.moves == [(False, "HTTP 503"), (True, "")]


async def test_in_the_end_it_is_given_up() -> None:
    desk = Desk(LATER, LATER, LATER)
    desk.put()
    await desk.until_idle()
    assert (len(desk.sent), desk.counted) == (3, {"failed": 2})
    assert desk.moves == [(False, "HTTP 503")]


async def test_what_is_refused_is_not_tried_again() -> None:
    desk = Desk(NEVER)
    desk.put()
    await desk.until_idle()
    assert (len(desk.sent), desk.counted) == (1, {"failed": 2})


async def test_what_does_not_fit_is_dropped() -> None:
    desk = Desk()
    desk.put(WAITING + 3)
    assert desk.counted == {"dropped": 6}


async def test_at_the_end_what_waits_is_sent_and_what_was_under_way_too() -> None:
    desk = Desk()
    desk.hangs = True
    desk.put()
    run = asyncio.create_task(desk.exporter.run())
    await desk.asked.wait()
    desk.hangs = False
    run.cancel()
    with suppress(asyncio.CancelledError):
        await run
    assert (len(desk.sent), desk.counted) == (2, {"exported": 2})


async def test_the_end_does_not_wait_for_a_collector_that_says_nothing() -> None:
    desk = Desk()
    desk.hangs = True
    desk.put()
    run = asyncio.create_task(desk.exporter.run())
    await asyncio.sleep(0)
    run.cancel()
    async with asyncio.timeout(20):
        with suppress(asyncio.CancelledError):
            await run
    assert desk.counted == {}
